"""Inventory, electronic prescriptions, mobile-payment orders."""

from yibao.platform.migrations import run_sibling_sql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
