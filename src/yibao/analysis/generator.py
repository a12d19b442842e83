"""A generated population: clearly artificial, the same for the same seed, for any area's law.

Which words occur (kinds of care, identities, diseases …) is read off the laws it is for; how often,
and how much bills cost, is invented to look plausible and describes no real area.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.random import Generator
from numpy.typing import NDArray

from yibao.analysis.fees import FeeCatalogue, catalogue, drawn_lines
from yibao.analysis.population import ROWS_A_GROUP, PopulationWriter
from yibao.policy.model import GENERAL_BUCKET, Fact, Law
from yibao.policy.parameters import LawError
from yibao.policy.terms import EMPLOYEE, GENERAL_INPATIENT, GENERAL_OUTPATIENT, CareKind

Ints = NDArray[np.int64]

LINES_A_BILL = 20
_BILLS_A_PERSON = 4
_PERSONS_A_CHUNK = ROWS_A_GROUP // _BILLS_A_PERSON


class PersonKind(NamedTuple):
    """A person type and its ages (half-open), with how many of a thousand persons have it."""

    code: str
    of_thousand: int
    youngest: int
    below: int


_EMPLOYEES = (
    PersonKind("1101", 620, 18, 60),
    PersonKind("1103", 80, 18, 60),
    PersonKind("1201", 300, 55, 95),
)
_RESIDENTS = (
    PersonKind("1402", 80, 0, 6),
    PersonKind("1403", 170, 6, 18),
    PersonKind("1501", 500, 18, 60),
    PersonKind("1601", 250, 60, 95),
)

_LEVELS = ("grass", "l1", "l2", "l3", "prov")
_OUTPATIENT_LEVELS = (0.36, 0.14, 0.20, 0.24, 0.06)
_INPATIENT_LEVELS = (0.10, 0.10, 0.32, 0.38, 0.10)
_FILINGS = (0.05, 0.35, 0.40, 0.05, 0.15)


@dataclass(frozen=True, slots=True)
class Words:
    """The words that occur in a population."""

    scheme: str
    outpatient: tuple[str, ...]
    """Kinds of care; the first is the usual one."""
    inpatient: tuple[str, ...]
    identities: tuple[str, ...]
    traits: tuple[str, ...]
    enrolments: tuple[str, ...]
    diseases: tuple[str, ...]
    circumstances: tuple[str, ...]


def words_of(laws: Sequence[Law], day: date) -> Words:
    """The words that the laws know on a day. Raises LawError if they know no kind of care."""
    scheme = laws[0].scheme
    kinds = set.intersection(*(set(_care_kinds(law, day)) for law in laws))
    kinds = {kind for kind in kinds if all(_takes_general(law, kind, day) for law in laws)}
    if not kinds:
        raise LawError(laws[0].file, "benefits", f"no kind of care on {day} that all laws pay for")
    inpatient = sorted(kind for kind in kinds if kind.startswith("2"))
    return Words(
        scheme,
        _first(GENERAL_OUTPATIENT, sorted(kinds - set(inpatient))),
        _first(GENERAL_INPATIENT, inpatient),
        _listed(laws, Fact.IDENTITY),
        _listed(laws, Fact.TRAIT),
        _listed(laws, Fact.ENROLMENT),
        _listed(laws, Fact.DISEASE),
        _listed(laws, Fact.CIRCUMSTANCE),
    )


def generate(
    path: Path,
    words: Words,
    *,
    bills: int,
    year: int,
    seed: int = 1,
    lines: bool = True,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Write ``bills`` artificial bills of a year to a file, in memory of one chunk.

    ``lines`` False leaves the fee lines out; sums and everything else stay the same.
    """
    fees = catalogue(seed)
    left, chunk, person = bills, 0, 1
    with PopulationWriter(path, words.scheme, artificial=True) as writer:
        while left > 0:
            rng = np.random.default_rng([seed, chunk])
            columns, persons = _chunk(rng, words, fees, person, year, left, lines=lines)
            writer.write(columns)
            written = len(columns["person"])
            progress(written)
            left, chunk, person = left - written, chunk + 1, person + persons


def _care_kinds(law: Law, day: date) -> Iterator[CareKind]:
    for benefit in law.benefits:
        for version in benefit.care_kinds.versions:
            if version.start <= day:
                for kinds in version.cases.values():
                    yield from map(CareKind, kinds)
                break


def _takes_general(law: Law, kind: CareKind, day: date) -> bool:
    """Whether a benefit is for the kind's general bucket, the only one that is generated."""
    return any(
        GENERAL_BUCKET in benefit.buckets and kind in benefit.care_kinds.find(day, {}).value
        for benefit in law.benefits
        if any(version.start <= day for version in benefit.care_kinds.versions)
    )


def _first(usual: str, kinds: Sequence[str]) -> tuple[str, ...]:
    return (usual, *(kind for kind in kinds if kind != usual)) if usual in kinds else tuple(kinds)


def _listed(laws: Sequence[Law], fact: Fact) -> tuple[str, ...]:
    return tuple(
        sorted(
            {
                word
                for law in laws
                for classes in law.classes.values()
                if classes.fact is fact
                for rule in classes.rules
                for word in rule.words
            }
        )
    )


# ---------------------------------------------------------------------------------- one chunk


def _chunk(
    rng: Generator,
    words: Words,
    fees: FeeCatalogue,
    first: int,
    year: int,
    most: int,
    *,
    lines: bool,
) -> tuple[dict[str, Any], int]:
    """The bills of some persons, at most ``most``, and the number of persons used up."""
    persons = _persons(rng, words, year)
    count = np.minimum(1 + rng.poisson(persons["need"]), 60)
    count = count[: int(np.searchsorted(np.cumsum(count), most)) + 1]
    of = np.repeat(np.arange(len(count)), count)[:most]
    day_of_year = rng.integers(0, 365, len(of))
    day_of_year = np.sort(of * 366 + day_of_year) - of * 366
    day = np.datetime64(f"{year}-01-01") + day_of_year
    stay = (
        (rng.random(len(of)) < persons["stay"][of]) if words.inpatient else np.zeros(len(of), bool)
    )
    if not words.outpatient:
        stay[:] = True
    bills = _care(rng, words, stay, day)
    amounts, line_columns = drawn_lines(rng, fees, stay, LINES_A_BILL)
    columns: dict[str, Any] = {
        "person": first + of,
        "day": day,
        **{name: column.take(pa.array(of)) for name, column in persons["columns"].items()},
        **bills,
        **amounts,
    }
    return columns | (line_columns if lines else {}), len(count)


def _persons(rng: Generator, words: Words, year: int) -> dict[str, Any]:
    kinds = _EMPLOYEES if words.scheme == EMPLOYEE else _RESIDENTS
    number = _PERSONS_A_CHUNK
    share = np.array([kind.of_thousand for kind in kinds]) / 1000
    kind = rng.choice(len(kinds), number, p=share)
    low = np.array([k.youngest for k in kinds])[kind]
    high = np.array([k.below for k in kinds])[kind]
    age = low + (rng.random(number) * (high - low)).astype(np.int64)
    born = _first_day(year - age - 1) + rng.integers(0, 365, number)
    retired = np.char.startswith(np.array([k.code for k in kinds]), "12")[kind]
    # the 60th birthday, or a little before for whoever retired early
    retired_on = np.where(retired, born + np.minimum(60, age) * 365, np.datetime64("NaT"))
    enrolled = rng.integers(0, 16, number)
    columns = {
        "person_type": _words([k.code for k in kinds], kind),
        "birth": pa.array(born),
        "gender": _words(["1", "2"], rng.integers(0, 2, number)),
        "identities": _sets(rng, words.identities, number, 0.07),
        "traits": _sets(rng, words.traits, number, 0.25),
        "enrolments": _sets(rng, words.enrolments, number, 0.35),
        "retired_on": pa.array(retired_on),
        "enrolled_years": pa.array(enrolled),
        "claim_free_years": pa.array(np.minimum(enrolled, rng.integers(0, 11, number))),
    }
    # the old and a few chronically ill see doctors more often
    frail = rng.random(number) < 0.06
    return {
        "columns": columns,
        "need": 1.4 + age * 0.025 + frail * 8.0,
        "stay": 0.03 + age * 0.0012 + frail * 0.05,
    }


def _care(
    rng: Generator, words: Words, stay: NDArray[np.bool_], day: NDArray[Any]
) -> dict[str, Any]:
    """What the bills are for and where."""
    number = len(stay)
    kinds = (*words.outpatient, *words.inpatient)
    outpatient = _choose(rng, len(words.outpatient), number, usual=0.9)
    inpatient = _choose(rng, len(words.inpatient), number, usual=0.95) + len(words.outpatient)
    kind = np.where(stay, inpatient, outpatient)
    place = np.searchsorted([0.93, 0.98], rng.random(number), side="right")
    away = place > 0
    filing = np.where(away, rng.choice(5, number, p=_FILINGS), 0)
    level = np.where(
        stay,
        rng.choice(len(_LEVELS), number, p=_INPATIENT_LEVELS),
        rng.choice(len(_LEVELS), number, p=_OUTPATIENT_LEVELS),
    )
    days = np.where(stay, np.clip(rng.lognormal(2.0, 0.6, number), 1, 120).astype(np.int64), 1)
    long_term = ~stay & (rng.random(number) < 0.06)
    return {
        "care_kind": _words(kinds, kind),
        "level": _words(_LEVELS, level),
        "place": _words(["local", "province", "outside"], place),
        "filing": _words(["none", "long_term", "transfer", "emergency", "temporary"], filing),
        "circumstances": _sets(rng, words.circumstances, number, 0.12),
        "disease": _diseases(rng, words.diseases, kind, words),
        "entitlement": _words(["full"], np.zeros(number, np.int64)),
        "pharmacy": pa.array(np.zeros(number, np.bool_)),
        "fixed_price": pa.array(np.zeros(number, np.bool_)),
        "days": pa.array(days.astype(np.int32)),
        "begin": pa.array(day - (days - 1)),
        "months": pa.array(np.where(long_term, rng.integers(2, 4, number), 1).astype(np.int32)),
        "further_diseases": pa.array(np.zeros(number, np.int32)),
        "visit": pa.nulls(number, pa.int64()),
        "chain": pa.nulls(number, pa.int64()),
    }


def _diseases(rng: Generator, diseases: Sequence[str], kind: Ints, words: Words) -> pa.Array:
    """A disease where the kind of care is not the general one."""
    general = np.isin(kind, [0, len(words.outpatient)])
    listed = [*diseases, None]
    chosen = rng.integers(0, max(1, len(diseases)), len(kind))
    return _words(listed, np.where(general, len(diseases), chosen))


def _choose(rng: Generator, count: int, number: int, *, usual: float) -> Ints:
    """Places 0 … count − 1, the first ``usual`` of the time."""
    if count <= 1:
        return np.zeros(number, np.int64)
    others = rng.integers(1, count, number)
    return np.where(rng.random(number) < usual, 0, others)


def _sets(rng: Generator, words: Sequence[str], number: int, share: float) -> pa.Array:
    """None, one or (rarely) two of the words, joined by a space."""
    pairs = [f"{a} {b}" for a, b in pairwise(words)]
    listed = ["", *words, *pairs]
    if len(listed) == 1:
        return _words(listed, np.zeros(number, np.int64))
    one = rng.integers(1, len(words) + 1, number)
    two = rng.integers(len(words) + 1, len(listed), number) if pairs else one
    draw = rng.random(number)
    return _words(listed, np.where(draw < share * 0.95, one, np.where(draw < share, two, 0)))


def _words(words: Sequence[str | None], places: Ints) -> pa.Array:
    """A dictionary column; None is an empty value."""
    indices = pa.array(places.astype(np.int16))
    if None in words:
        indices = pa.array(places.astype(np.int16), mask=places == len(words) - 1)
        words = words[:-1]
    return pa.DictionaryArray.from_arrays(indices, pa.array(words, pa.string()))


def _first_day(years: Ints) -> NDArray[Any]:
    return (years - 1970).astype("datetime64[Y]").astype("datetime64[D]")
