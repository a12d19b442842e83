"""Relatives' accounts in other pools pay bills: what a bill's pool asks of an owner's."""

from yibao.platform.migrations import run_sibling_sql

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
