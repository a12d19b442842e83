"""Hot tables cut by month on their time-ordered numbers."""

from yibao.platform.migrations import run_sibling_sql

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
