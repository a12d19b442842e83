"""Filings of members; departments, staff and mappings of institutions."""

from yibao.platform.migrations import run_sibling_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
