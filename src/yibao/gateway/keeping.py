"""Fields of a message that nobody reads but that are kept with what it makes."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from yibao.gateway.reading import Row
from yibao.gateway.writing import moment


def kept_fields(row: Row, without: Collection[str]) -> dict[str, Any]:
    """What was sent, by its official names, as plain JSON; ``without`` has a place of its own."""
    return {name: _plain(value) for name, value in row.items() if name not in without}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment(value)
    return value.isoformat() if isinstance(value, date) else value
