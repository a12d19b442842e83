"""A bill's batch is looked for in its visit's month alone."""

from yibao.platform.migrations import run_sibling_sql

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
