"""Tables become the columns the law is run on, strictly read."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.analysis.builders import bill, population
from yibao.adjudication.columns.model import BillColumns
from yibao.adjudication.columns.rows import bill_at
from yibao.adjudication.model import Bill, Person, Provider, Sums
from yibao.analysis.blocks import BlockReader
from yibao.analysis.model import PopulationError
from yibao.analysis.reading import blocks, open_file, scan, tasks
from yibao.policy.terms import (
    EMPLOYEE,
    CareKind,
    EntitlementExtent,
    Filing,
    IdentityKind,
    Level,
    PersonType,
    Place,
    Scheme,
)

DETAILED = {
    "gender": "2",
    "identities": "2303 2304",
    "traits": "signed",
    "enrolments": "320",
    "disease": "M03900",
    "retired_on": date(2020, 7, 1),
    "enrolled_years": 6,
    "claim_free_years": 0,
    "entitlement": "account_only",
    "place": "outside",
    "filing": "transfer",
    "circumstances": "referred home_bed",
    "begin": date(2025, 2, 20),
    "days": 10,
    "months": 3,
    "further_diseases": 1,
    "visit": 12,
    "chain": 11,
    "fixed_price": True,
    "pharmacy": True,
    "hospital": 7,
    "own.dual": 1,
    "over_limit.dual": 2,
    "first_pay.dual": 3,
    "in_scope.dual": 4,
}


def read(path: Path, bills: list[dict[str, Any]]) -> BillColumns:
    found = scan(population(path / "p.parquet", bills))
    file = open_file(found.path, found.names)
    (table,) = blocks(file, tasks(found.groups, 100)[0], found.names, 100)
    return BlockReader("p.parquet", found.names).bills(table)


def test_every_fact_of_a_bill_arrives(tmp_path: Path) -> None:
    columns = read(tmp_path, [bill(over_limit=9) | DETAILED])
    assert bill_at(columns, 0, EMPLOYEE) == Bill(
        scheme=EMPLOYEE,
        care_kind=CareKind("11"),
        day=date(2025, 3, 1),
        person=Person(
            PersonType("1101"),
            date(1980, 6, 1),
            "2",
            (IdentityKind("2303"), IdentityKind("2304")),
            EntitlementExtent.ACCOUNT_ONLY,
            ("signed",),
            (Scheme("320"),),
            date(2020, 7, 1),
            6,
            0,
        ),
        provider=Provider(Level.SECOND, is_pharmacy=True),
        sums={"general": Sums(100_009, 0, 9, 0, 100_000, 7), "dual": Sums(10, 1, 2, 3, 4)},
        disease="M03900",
        use_account=False,
        visit="12",
        place=Place.OUTSIDE,
        filing=Filing.TRANSFER,
        circumstances=("referred", "home_bed"),
        begin=date(2025, 2, 20),
        days=10,
        months=3,
        further_diseases=1,
        chain="11",
        fixed_price=True,
    )


def test_empty_facts_are_the_defaults(tmp_path: Path) -> None:
    empty = dict.fromkeys(
        (
            "gender",
            "identities",
            "disease",
            "retired_on",
            "enrolled_years",
            "begin",
            "days",
            "visit",
            "fixed_price",
        )
    )
    columns = read(tmp_path, [bill(1) | empty, bill(2) | {name: DETAILED[name] for name in empty}])
    plain = read(tmp_path, [bill(1)])
    assert bill_at(columns, 0, EMPLOYEE) == bill_at(plain, 0, EMPLOYEE)
    assert bill_at(columns, 1, EMPLOYEE).disease == "M03900"


def test_days_are_those_of_the_calendar(tmp_path: Path) -> None:
    days = [date(1900, 3, 1), date(2000, 2, 29), date(2024, 12, 31)]
    columns = read(tmp_path, [bill(birth=day) for day in days])
    assert columns.birth.tolist() == [19000301, 20000229, 20241231]
    assert columns.birth.dtype == np.int32


@pytest.mark.parametrize(
    ("column", "word", "reason"),
    [
        ("level", "l9", "unknown word 'l9'"),
        ("place", "abroad", "unknown word 'abroad'"),
        ("filing", "yes", "unknown word 'yes'"),
        ("entitlement", "half", "unknown word 'half'"),
        ("person_type", "worker", "is no person type"),
        ("care_kind", "general care", "is no kind of care"),
        ("level", None, "is empty"),
        ("birth", None, "is empty"),
        ("birth", date(1700, 1, 1), "before 1880"),
        ("in_scope", -1, "is negative"),
        ("days", 0, "is less than 1"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, column: str, word: Any, reason: str) -> None:
    with pytest.raises(PopulationError, match=reason) as error:
        read(
            tmp_path, [bill(1) | {"place": "local"}, bill(2) | {"place": "local"} | {column: word}]
        )
    assert error.value.column == column
