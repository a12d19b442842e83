"""Look up code tables: for the code-table query, for labels and for checks of closed tables."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import msgspec

from yibao.registry.dictionaries.model import CodeTable


@cache
def tables() -> Mapping[str, CodeTable]:
    """All packaged code tables by name."""
    data = (files("yibao.registry.dictionaries") / "data" / "dictionaries.json").read_bytes()
    found = msgspec.json.decode(data, type=list[CodeTable])
    return MappingProxyType({table.name: table for table in found})


def table(name: str) -> CodeTable | None:
    """The code table of a name (``insutype``), None when there is none."""
    return tables().get(name)


def label(name: str, value: str) -> str | None:
    """The Chinese label of a value, None when table or value is unknown."""
    found = table(name)
    entry = None if found is None else found.find(value)
    return None if entry is None else entry.label
