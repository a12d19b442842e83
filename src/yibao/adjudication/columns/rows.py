"""A row of the columns as the scalar engine's ``Bill``."""

from datetime import date
from typing import Any

import numpy as np

from yibao.adjudication.columns.model import BillColumns, Coded, SumColumns
from yibao.adjudication.model import Bill, Person, Provider, Sums
from yibao.policy.model import GENERAL_BUCKET
from yibao.policy.terms import CareKind, EntitlementExtent, Filing, PersonType, Place, Scheme


def date_of(day: int) -> date:
    """The date of a yyyymmdd number."""
    return date(day // 10_000, day // 100 % 100, day % 100)


def bill_at(bills: BillColumns, row: int, scheme: Scheme) -> Bill:
    """The bill of a row.

    A row has the buckets in which any sum stands, or else the general one; a bill without a visit
    of its own name is a visit by itself.
    """
    optional = bills.optional

    def word(name: str, default: Any) -> Any:
        column: Coded | None = optional.get(name)
        return default if column is None else column.words[column.codes[row]]

    def number(name: str, default: int) -> int:
        column = optional.get(name)
        return default if column is None else int(column[row])

    def day(name: str) -> date | None:
        value = number(name, 0)
        return date_of(value) if value else None

    def years(name: str) -> int | None:
        value = number(name, -1)
        return None if value < 0 else value

    def text(name: str) -> str | None:
        value = number(name, -1)
        return None if value < 0 else str(value)

    level, is_pharmacy = bills.level.words[bills.level.codes[row]]
    return Bill(
        scheme=scheme,
        care_kind=CareKind(bills.care_kind.words[bills.care_kind.codes[row]]),
        day=date_of(int(bills.day[row])),
        person=Person(
            person_type=PersonType(bills.person_type.words[bills.person_type.codes[row]]),
            birth_date=date_of(int(bills.birth[row])),
            gender=word("gender", "0"),
            identities=word("identities", ()),
            entitlement=word("entitlement", EntitlementExtent.FULL),
            traits=word("traits", ()),
            enrolments=word("enrolments", ()),
            retired_on=day("retired_on"),
            enrolled_years=years("enrolled_years"),
            claim_free_years=years("claim_free_years"),
        ),
        provider=Provider(level, is_pharmacy),
        sums=sums_at(bills, row),
        disease=word("disease", None),
        use_account=False,
        visit=text("visit"),
        place=word("place", Place.LOCAL),
        filing=word("filing", Filing.NONE),
        circumstances=word("circumstances", ()),
        begin=day("begin"),
        days=number("days", 1),
        months=number("months", 1),
        further_diseases=number("further_diseases", 0),
        chain=text("chain"),
        fixed_price=bool(number("fixed_price", 0)),
    )


def sums_at(bills: BillColumns, row: int) -> dict[str, Sums]:
    """The sums of a row by bucket."""
    found = {}
    for bucket, columns in bills.sums.items():
        own, over_limit, first_pay, in_scope, hospital = _five(columns, row)
        if own or over_limit or first_pay or in_scope:
            total = own + over_limit + first_pay + in_scope
            found[bucket] = Sums(total, own, over_limit, first_pay, in_scope, hospital)
    return found or {GENERAL_BUCKET: Sums()}


def _five(columns: SumColumns, row: int) -> tuple[int, int, int, int, int]:
    hospital = 0 if columns.hospital is None else int(columns.hospital[row])
    parts = (columns.own, columns.over_limit, columns.first_pay, columns.in_scope)
    own, over_limit, first_pay, in_scope = (int(part[row]) for part in parts)
    return own, over_limit, first_pay, in_scope, hospital


def person_starts(bills: BillColumns) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The first row of each person, and the number of rows at the end."""
    person = bills.person
    if not len(person):
        return np.zeros(1, np.int64)
    changes = np.flatnonzero(person[1:] != person[:-1]) + 1
    return np.concatenate(([0], changes, [len(person)])).astype(np.int64)
