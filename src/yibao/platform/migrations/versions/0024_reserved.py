"""Holds the place of a revision."""

from yibao.platform.migrations import run_sibling_sql

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
