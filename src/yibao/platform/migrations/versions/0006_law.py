"""Laws and their releases, premiums, and the facts of people that laws turn on."""

from yibao.platform.migrations import run_sibling_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
