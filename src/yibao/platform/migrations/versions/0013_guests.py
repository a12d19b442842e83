"""Person numbers of other platforms, for those let in by the open door."""

from yibao.platform.migrations import run_sibling_sql

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
