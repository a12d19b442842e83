"""Review and payment of applications, advances, retention."""

from yibao.platform.migrations import run_sibling_sql

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
