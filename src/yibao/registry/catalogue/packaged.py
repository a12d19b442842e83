"""Reads the catalogue that comes with the package (``data/SOURCE.txt`` says what is invented)."""

import csv
from collections.abc import Iterator
from datetime import date
from importlib.resources import files
from typing import Any

from yibao.adjudication.model import GENERAL_BUCKET
from yibao.kernel.money import PRICE_SCALE, scaled
from yibao.policy.terms import ItemClass
from yibao.registry.catalogue.model import CodeList

FIRST_DAY = date(2025, 1, 1)
"""An empty ``valid_from``: the NRDL 2024 took effect on this day."""

RATIO_SCALE = 4


def items() -> Iterator[tuple[Any, ...]]:
    """Rows of ``items.csv`` in the order of the table's columns."""
    for code, name, list_type, charge_type, price, demo_price, demo_class in _rows("items.csv"):
        yield (
            code,
            name,
            list_type,
            charge_type,
            scaled(price, PRICE_SCALE),
            demo_price == "1",
            demo_class == "1",
        )


def item_terms() -> Iterator[tuple[Any, ...]]:
    """Rows of ``terms.csv`` in the order of the table's columns."""
    for row in _rows("terms.csv"):
        (
            code, start, end, area, level, scheme, care_kind, item_class, first_pay, ceiling,
            restricted, demo_class, demo_terms,
        ) = row  # fmt: skip
        yield (
            code,
            date.fromisoformat(start) if start else FIRST_DAY,
            date.fromisoformat(end) if end else None,
            area or None,
            level or None,
            scheme or None,
            care_kind or None,
            ItemClass(item_class).value,
            scaled(first_pay or "0", RATIO_SCALE),
            scaled(ceiling, PRICE_SCALE) if ceiling else None,
            restricted == "1",
            GENERAL_BUCKET,
            demo_class == "1",
            demo_terms == "1",
        )


def diagnoses() -> Iterator[tuple[str, str]]:
    """Insurance ICD-10 codes and names."""
    return ((code, name) for code, name in _rows("diagnoses.csv"))


def list_entries() -> Iterator[tuple[str, str, str]]:
    """Code, list and name of what only the database holds: procedures, groups of cases."""
    for kind, name in (
        (CodeList.PROCEDURES, "procedures.csv"),
        (CodeList.CASE_GROUPS, "case_groups.csv"),
    ):
        yield from ((code, kind.value, text) for code, text in _rows(name))


def divisions() -> list[tuple[str, str]]:
    """Divisions of GB/T 2260: code and name."""
    return [(code, name) for code, name in _rows("divisions.csv")]


def _rows(name: str) -> Iterator[list[str]]:
    source = files("yibao.registry.catalogue") / "data" / name
    with source.open(encoding="utf-8") as lines:
        reader = csv.reader(lines)
        next(reader)
        yield from reader
