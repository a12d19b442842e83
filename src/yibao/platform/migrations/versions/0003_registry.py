"""People, institutions and the catalogue."""

from yibao.platform.migrations import run_sibling_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
