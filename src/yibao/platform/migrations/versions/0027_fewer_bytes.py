"""Fewer bytes a visit: short keys of messages, compressed uploads, one index of the outbox."""

from yibao.platform.migrations import run_sibling_sql

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    """Run the SQL file of the same name."""
    run_sibling_sql(__file__)
