"""Settlement lists, clinical records and audit results."""

from yibao.platform.migrations import run_sibling_sql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
