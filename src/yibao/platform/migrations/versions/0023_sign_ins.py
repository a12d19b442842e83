"""From where clerks tried to sign in."""

from yibao.platform.migrations import run_sibling_sql

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
