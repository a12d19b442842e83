"""Balances that were declined come back; years' uses move along; a reversal is told by its own."""

from yibao.platform.migrations import run_sibling_sql

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
