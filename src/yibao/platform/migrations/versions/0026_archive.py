"""What was put away as Parquet, and what came back."""

from yibao.platform.migrations import run_sibling_sql

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
