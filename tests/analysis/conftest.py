"""The settlement room's town, for what is read from a database."""

from tests.settlement.conftest import town

__all__ = ["town"]
