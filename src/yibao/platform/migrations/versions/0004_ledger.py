"""Ledger entries and personal accounts."""

from yibao.platform.migrations import run_sibling_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
