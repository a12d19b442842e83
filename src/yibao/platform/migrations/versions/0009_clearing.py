"""Files, reconciliation and clearing applications."""

from yibao.platform.migrations import run_sibling_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
