"""Personal accounts' states, credits, family links."""

from yibao.platform.migrations import run_sibling_sql

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
