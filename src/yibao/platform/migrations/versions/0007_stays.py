"""Stays, purchases and returns."""

from yibao.platform.migrations import run_sibling_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
