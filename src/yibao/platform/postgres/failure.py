"""The one exception of the runner."""


class PostgresFailed(Exception):  # noqa: N818 - reads as a fact
    """The embedded PostgreSQL cannot run; the text says why and what to do about it."""
