"""Sources of loaded rows, runs of loading."""

from yibao.platform.migrations import run_sibling_sql

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
