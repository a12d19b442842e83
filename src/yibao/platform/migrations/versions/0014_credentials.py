"""Cards and e-credentials of insured persons."""

from yibao.platform.migrations import run_sibling_sql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
