"""The catalogue is imported once, loaded whole, and decides by date, area, level and scheme."""

from datetime import date

import asyncpg
import pytest

from tests.registry.builders import instant
from yibao.adjudication.model import ItemTerms
from yibao.kernel.areas import Division
from yibao.kernel.money import NO_CEILING, Rate
from yibao.platform.database import Database
from yibao.policy.terms import EMPLOYEE, GENERAL_OUTPATIENT, RESIDENT, CareKind, ItemClass, Level
from yibao.registry.catalogue.model import Catalogue
from yibao.registry.catalogue.service import import_catalogue, load_catalogue

BEIJING, CHANGSHA = Division("110000"), Division("430100")
TODAY = date(2026, 5, 1)
VISIT = "001102000010000"
"""普通门诊诊查费."""


@pytest.fixture
async def imported(writer: asyncpg.Connection) -> asyncpg.Connection:
    """A writer to a registry with the packaged catalogue."""
    async with writer.transaction():
        await import_catalogue(writer, now=instant(1))
    return writer


def terms(catalogue: Catalogue, code: str, day: date = TODAY, **place: str) -> ItemTerms:
    """Terms at a tertiary hospital of Beijing for an employee's outpatient visit, unless told."""
    facts = {
        "area": BEIJING,
        "level": Level.THIRD,
        "scheme": EMPLOYEE,
        "care_kind": GENERAL_OUTPATIENT,
        **place,
    }
    found = catalogue.terms_on(code, day, **facts)  # type: ignore[arg-type]
    assert found is not None
    return found


async def test_the_packaged_catalogue_decides_by_every_condition(
    imported: asyncpg.Connection,
) -> None:
    catalogue = await load_catalogue(imported)
    assert len(catalogue.items) == 13_738 + 2_333
    assert catalogue.items[VISIT].name == "普通门诊诊查费"
    assert catalogue.items[VISIT].charge_type == "02"
    assert catalogue.diagnoses["I10.x00"].startswith("特发性")
    _prices_of_services_fall_with_the_level(catalogue)
    _limits_of_the_national_rules_hold(catalogue)
    _some_ratio_changes_at_new_year(catalogue)
    _some_ratio_depends_on_the_scheme(catalogue)


def _prices_of_services_fall_with_the_level(catalogue: Catalogue) -> None:
    levels = (Level.PROVINCIAL, Level.THIRD, Level.SECOND, Level.FIRST, Level.GRASS_ROOTS)
    ceilings = [terms(catalogue, VISIT, level=level).ceiling for level in levels]
    assert ceilings[0] == ceilings[1]
    assert sorted(set(ceilings), reverse=True) == ceilings[1:]
    assert terms(catalogue, VISIT, area=CHANGSHA).ceiling < ceilings[1]
    assert terms(catalogue, VISIT, area=Division("310000")).ceiling == NO_CEILING


def _limits_of_the_national_rules_hold(catalogue: Catalogue) -> None:
    nutrition = "XB05BAU012B002010102180"  # for inpatients alone
    assert terms(catalogue, nutrition).item_class is ItemClass.C
    inpatient = terms(catalogue, nutrition, care_kind=CareKind("21"))
    assert inpatient.item_class is not ItemClass.C
    assert inpatient.restricted
    shenfu = "ZA05CAC0029010102312"  # from level two up
    assert terms(catalogue, shenfu, level=Level.SECOND).item_class is not ItemClass.C
    assert terms(catalogue, shenfu, level=Level.FIRST).item_class is ItemClass.C
    scar_cream = "ZH01AAB0066010100716"  # work-injury insurance alone
    assert terms(catalogue, scar_cream).item_class is ItemClass.C


def _some_ratio_changes_at_new_year(catalogue: Catalogue) -> None:
    elsewhere = Division("310000")
    changed = [
        code
        for code in catalogue.items
        if terms(catalogue, code, date(2025, 12, 31), area=elsewhere).first_pay
        != terms(catalogue, code, date(2026, 1, 1), area=elsewhere).first_pay
    ]
    assert len(changed) > 100


def _some_ratio_depends_on_the_scheme(catalogue: Catalogue) -> None:
    dearer = [
        code
        for code in catalogue.items
        if terms(catalogue, code, area=CHANGSHA, scheme=RESIDENT)
        != terms(catalogue, code, area=CHANGSHA)
    ]
    assert dearer
    for code in dearer:
        employee = terms(catalogue, code, area=CHANGSHA)
        resident = terms(catalogue, code, area=CHANGSHA, scheme=RESIDENT)
        assert resident.ceiling == employee.ceiling
        assert resident.first_pay.numerator > employee.first_pay.numerator


async def test_a_second_import_changes_nothing_and_a_difference_is_superseded(
    imported: asyncpg.Connection, database: Database
) -> None:
    before = await load_catalogue(imported)
    async with imported.transaction():
        again = await import_catalogue(imported, now=instant(2))
    assert (again.superseded, again.recorded) == (0, 0)
    assert (await load_catalogue(imported)).version == before.version
    async with database.owner() as owner:  # what an earlier release may have brought
        await owner.execute("UPDATE registry.item SET name = '旧名' WHERE code = $1", VISIT)
        await owner.execute(
            "UPDATE registry.item_terms SET first_pay = 9999 WHERE item = $1 AND area IS NULL",
            VISIT,
        )
    async with imported.transaction():
        mended = await import_catalogue(imported, now=instant(3))
    assert (mended.superseded, mended.recorded) == (2, 2)
    after = await load_catalogue(imported)
    assert after.version != before.version
    assert after.items[VISIT].name == "普通门诊诊查费"
    assert after.terms == before.terms
    names = await imported.fetch(
        "SELECT name, superseded_at FROM registry.item WHERE code = $1 ORDER BY row_id", VISIT
    )
    assert [tuple(row) for row in names] == [("旧名", instant(3)), ("普通门诊诊查费", None)]


async def test_rows_come_most_specific_first_and_equal_terms_are_one_object(
    writer: asyncpg.Connection,
) -> None:
    rows = [
        # item, area, level, scheme, care kind, class, ratio in 1/10,000
        ("X", None, None, None, None, "03", 0),
        ("X", "110000", None, None, None, "02", 1_000),
        ("X", "110000", None, "310", None, "02", 500),
        ("X", None, "l1", None, None, "01", 0),
        ("X", None, None, None, "21", "02", 2_000),
        ("Y", "110000", None, None, None, "02", 1_000),
    ]
    await writer.executemany(
        """INSERT INTO registry.item_terms (item, area, level, scheme, care_kind, item_class,
             first_pay, restricted, bucket, demo_class, demo_terms, valid_from, recorded_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, false, 'general', true, true, '2025-01-01', $8)""",
        [(*row, instant(1)) for row in rows],
    )
    catalogue = await load_catalogue(writer)
    assert terms(catalogue, "X", scheme=RESIDENT).first_pay == Rate(1_000)
    assert terms(catalogue, "X").first_pay == Rate(500)
    assert terms(catalogue, "X", area=CHANGSHA).item_class is ItemClass.C
    assert terms(catalogue, "X", level=Level.FIRST).item_class is ItemClass.A
    assert terms(catalogue, "X", care_kind=CareKind("21"), level=Level.FIRST).first_pay == Rate(
        2_000
    )
    assert terms(catalogue, "Y") is terms(catalogue, "X", scheme=RESIDENT)
