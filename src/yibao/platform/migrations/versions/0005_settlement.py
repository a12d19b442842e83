"""Visits, fee lines, settlements and accumulators."""

from yibao.platform.migrations import run_sibling_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
