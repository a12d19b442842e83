"""Who saw which person, attempts to get in, keys of the vault."""

from yibao.platform.migrations import run_sibling_sql

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
