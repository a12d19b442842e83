"""Dialects and keys of senders."""

from yibao.platform.migrations import run_sibling_sql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
