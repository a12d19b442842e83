"""The chain of blocks, daily heads, holds, what postings were made for."""

from yibao.platform.migrations import run_sibling_sql

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
