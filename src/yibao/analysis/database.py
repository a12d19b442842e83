"""The living settlements of a database as a population: facts and line sums, no person's name."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from yibao.analysis import store
from yibao.analysis.model import PopulationError
from yibao.analysis.population import (
    ROWS_A_GROUP,
    PopulationWriter,
    kind_of,
    sum_column,
)
from yibao.platform.database import Database
from yibao.policy.model import GENERAL_BUCKET, Law

SOURCE = "database"

_FACTS: dict[str, Any] = {
    "gender": "0",
    "entitlement": "full",
    "place": "local",
    "filing": "none",
    "disease": None,
    "enrolled_years": None,
    "claim_free_years": None,
    "days": 1,
    "months": 1,
    "further_diseases": 0,
    "pharmacy": False,
    "fixed_price": False,
}
"""Plain facts of a snapshot, with what it means when one is not there."""
_LISTS = ("identities", "traits", "enrolments", "circumstances")
_DAYS = ("birth", "retired_on", "begin")
_PARTS = {"own": 1, "over_limit": 2, "first_pay": 3, "in_scope": 4, "hospital": 5}
"""Where a stored bucket has its sums; the total is first, the hospital's part may be missing."""


async def export(
    database: Database, law: Law, path: Path, progress: Callable[[int], None] = lambda _: None
) -> None:
    """Write the living settlements of a law's area and scheme to a file, person by person.

    Persons become numbers. Raises PopulationError when there are none.
    """
    area = _prefix(law.area)
    async with database.reader(None) as connection, connection.transaction(readonly=True):
        buckets = await store.buckets(connection, law.scheme, area)
        if not buckets:
            raise PopulationError(
                SOURCE,
                "settlement",
                f"no living settlement of area {law.area}, scheme {law.scheme}",
            )
        rows = store.living_settlements(connection, law.scheme, area)
        with PopulationWriter(path, law.scheme) as writer:
            async for chunk in _chunks(_with_person(rows)):
                writer.write(_columns(chunk, sorted({*buckets, GENERAL_BUCKET})))
                progress(len(chunk))


def _prefix(area: str) -> str:
    """What divisions insured under an area's law begin with: a province's, a city's, its own."""
    digits = area
    while digits.endswith("00"):
        digits = digits[:-2]
    return f"{digits}%"


async def _with_person(rows: Any) -> AsyncIterator[tuple[int, Mapping[str, Any]]]:
    member, number = None, 0
    async for row in rows:
        if row["member"] != member:
            member, number = row["member"], number + 1
        yield number, row


async def _chunks(
    rows: AsyncIterator[tuple[int, Mapping[str, Any]]],
) -> AsyncIterator[list[tuple[int, Mapping[str, Any]]]]:
    """Rows in lists of about a row group that end with a person's last bill."""
    chunk: list[tuple[int, Mapping[str, Any]]] = []
    async for person, row in rows:
        if len(chunk) >= ROWS_A_GROUP and person != chunk[-1][0]:
            yield chunk
            chunk = []
        chunk.append((person, row))
    if chunk:
        yield chunk


def _columns(
    rows: Sequence[tuple[int, Mapping[str, Any]]], buckets: Sequence[str]
) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {
        "person": [person for person, _ in rows],
        "day": [row["day"] for _, row in rows],
        "care_kind": [row["care_kind"] for _, row in rows],
        "person_type": [row["person_type"] for _, row in rows],
        "level": [row["level"] for _, row in rows],
        "visit": [row["visit"] for _, row in rows],
        "chain": [_chain(row) for _, row in rows],
    }
    told = [row["snapshot"] for _, row in rows]
    for name, default in _FACTS.items():
        columns[name] = [facts.get(name, default) for facts in told]
    for name in _LISTS:
        columns[name] = [" ".join(facts.get(name, ())) for facts in told]
    for name in _DAYS:
        columns[name] = [_day(facts.get(name)) for facts in told]
    for bucket in buckets:
        for part, place in _PARTS.items():
            columns[sum_column(part, bucket)] = [
                _sum(row["buckets"].get(bucket, ()), place) for _, row in rows
            ]
    assert all(kind_of(name) for name in columns)
    return columns


def _chain(row: Mapping[str, Any]) -> int | None:
    """The number within a chain's name, which is that of its first visit."""
    chain = row["snapshot"].get("chain")
    if chain is None:
        return None
    return int("".join(filter(str.isdigit, str(chain)))[-18:] or 0)


def _sum(sums: Sequence[int], place: int) -> int:
    return sums[place] if place < len(sums) else 0


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
