"""Clerks, proposals, manual claims, corrections."""

from yibao.platform.migrations import run_sibling_sql

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
