"""What brings people in: every code and name must be the catalogue's."""

from datetime import date
from random import Random

import pytest

from yibao.registry.catalogue import packaged
from yibao.sandbox.encounters import (
    CHECKUP,
    CHILD_CHECKUP,
    CONSULTATION,
    draw_encounter,
    encounters,
    item_names,
)


def test_every_diagnosis_has_its_code_and_name_of_the_catalogue() -> None:
    known = {row[0]: row[1] for row in packaged.diagnoses()}
    for encounter in (*encounters(), CHECKUP, CHILD_CHECKUP):
        assert known[encounter.diagnosis] == encounter.name


def test_every_drug_and_service_is_in_the_catalogue() -> None:
    known = {row[1] for row in packaged.items()}
    assert [name for name in item_names() if name not in known] == []


def test_no_name_is_listed_twice_and_the_consultation_comes_first() -> None:
    assert item_names()[0] == CONSULTATION
    assert len(set(item_names())) == len(item_names())


@pytest.mark.parametrize("gender", ["1", "2"])
@pytest.mark.parametrize("age", range(0, 100, 3))
def test_everybody_finds_a_reason_that_fits(gender: str, age: int) -> None:
    today = date(2026, 8, 15)
    found = draw_encounter(Random(age), gender, date(2026 - age, 1, 1), today)
    assert found.fits(gender, age)


def test_childrens_drugs_are_for_children() -> None:
    for encounter in encounters():
        if any(drug.startswith("小儿") for drug in encounter.drugs):
            assert encounter.age_to < 14
