"""Messages, outbox and cursors."""

from yibao.platform.migrations import run_sibling_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
