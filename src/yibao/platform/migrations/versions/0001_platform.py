"""Schemas, roles and the numbers of writers."""

from yibao.platform.migrations import run_sibling_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
