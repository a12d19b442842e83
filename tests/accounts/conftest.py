"""The town of the settlements, fresh for each test."""

from tests.settlement.conftest import town

__all__ = ["town"]
