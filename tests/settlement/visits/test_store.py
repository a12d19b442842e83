"""Visits come out of their rows as they went in."""

from datetime import timedelta
from typing import Any

import pytest

from tests.settlement.builders import Town
from yibao.kernel.frozen import replace
from yibao.settlement.model import Diagnosis, VisitFacts
from yibao.settlement.visits import store


async def _described(town: Town, visit: VisitFacts, *diagnoses: Diagnosis) -> VisitFacts:
    async with town.database.writer() as connection, connection.transaction():
        said = replace(visit, diagnoses=diagnoses)
        await store.describe(connection, visit.key.pool, [said])
    return said


async def _kept(town: Town, visit: VisitFacts) -> tuple[VisitFacts, list[dict[str, Any]]]:
    async with town.database.reader(None) as connection:
        found = await store.load(connection, visit.key.pool, [visit.key.number])
        stored = await connection.fetchval(
            "SELECT diagnoses FROM settlement.visible_visit WHERE id = $1", visit.key.number
        )
    return found[visit.key.number], stored


def _own(visit: VisitFacts) -> Diagnosis:
    """A diagnosis by the visit's doctor, at its begin."""
    return Diagnosis(
        "1", 1, "J06.900", "感冒", visit.department_code, visit.doctor_code, visit.doctor_name,
        visit.begin,
    )  # fmt: skip


async def test_a_diagnosis_does_not_repeat_what_its_visit_says(town: Town) -> None:
    visit = await town.open_visit(await town.insure())
    said = await _described(town, visit, _own(visit))
    found, stored = await _kept(town, visit)
    assert found.diagnoses == said.diagnoses
    assert [set(one) for one in stored] == [{"kind", "order", "code", "name"}]


@pytest.mark.parametrize(
    "other",
    [
        {"department": "外科"},
        {"doctor_code": "D9"},
        {"doctor_name": "医师丙"},
        {"valid": False},
        {"is_main": False},
        {"is_main": True, "condition": "1"},
    ],
    ids=str,
)
async def test_a_diagnosis_keeps_what_is_its_own(town: Town, other: dict[str, Any]) -> None:
    visit = await town.open_visit(await town.insure())
    later = _own(visit).time + timedelta(minutes=5)
    said = await _described(town, visit, replace(_own(visit), time=later, **other), _own(visit))
    found, _ = await _kept(town, visit)
    assert found.diagnoses == said.diagnoses


async def test_a_diagnosis_that_was_kept_whole_is_the_same(town: Town) -> None:
    visit = await town.open_visit(await town.insure())
    said = await _described(town, visit, _own(visit))
    whole = {
        "department": visit.department_code,
        "doctor_code": visit.doctor_code,
        "doctor_name": visit.doctor_name,
        "time": visit.begin.isoformat(),
        "valid": True,
        "is_main": None,
        "condition": None,
    }
    async with town.database.owner() as connection:
        await connection.execute(
            "UPDATE settlement.visit SET diagnoses = jsonb_build_array(diagnoses -> 0 || $1)", whole
        )
    found, stored = await _kept(town, visit)
    assert len(stored[0]) == 11
    assert found.diagnoses == said.diagnoses
