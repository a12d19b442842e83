"""The lines of an upload are one row: a third of the bytes, and nearly no work for the database."""

from yibao.platform.migrations import run_sibling_sql

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
