"""Reads the limits of use that come with the package (``data/SOURCE.txt``), once a process."""

import csv
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from yibao.supervision.model import Limit, Rule

VERSION = "两库2025年第1-8批"


@cache
def limits() -> Mapping[str, tuple[Limit, ...]]:
    """The limits by national code; an item may have several."""
    found: dict[str, list[Limit]] = defaultdict(list)
    source = files("yibao.supervision") / "data" / "limits.csv"
    with source.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            limit = Limit(Rule(row["rule"]), row["name"], row["limit"], row["basis"])
            for code in row["codes"].split():
                found[code].append(limit)
    return MappingProxyType({code: tuple(rows) for code, rows in found.items()})
