"""Institutions, catalogue and prices of a file, as the next bill sees them."""

from datetime import date

import pytest

from tests.loading.builders import POOL, SOURCE, Bureau, cells_of
from tests.settlement.builders import CEILED, CLASS_A, TERTIARY, Town, line
from yibao.policy.terms import CareKind, Level, Scheme


def item(code: str = "XZ01", **cells: str) -> dict[str, str]:
    """A drug of class B since 2026."""
    row = {
        "source": SOURCE, "source_key": code, "code": code, "name": "测试药", "list_type": "101",
        "charge_type": "09", "class": "02", "first_pay": "10%", "from": "2026-01-01",
    }  # fmt: skip
    return row | cells


def price(code: str, ceiling: str, **cells: str) -> dict[str, str]:
    """A ceiling from July on."""
    row = {"source": SOURCE, "source_key": f"J{code}", "code": code, "ceiling": ceiling}
    return row | {"from": "2026-07-01"} | cells


def institution(code: str = "H11000000099", **cells: str) -> dict[str, str]:
    """A hospital since 2020."""
    row = {
        "source": SOURCE, "source_key": code, "pool": POOL, "code": code, "kind": "1",
        "name": "测试新医院", "level": "l3", "division": "110105", "area": "110000",
        "from": "2020-01-01",
    }  # fmt: skip
    return row | cells


async def test_a_loaded_item_is_charged_by_its_terms(bureau: Bureau, town: Town) -> None:
    await bureau.load("catalogue", [item(ceiling="50")])
    assert bureau.told == []
    visit = await town.open_visit(await town.insure())
    (charged,) = await town.do(town.upload(visit, line("1", "100", item="XZ01")))
    assert (charged.over_limit, charged.first_pay, charged.in_scope) == (5000, 500, 4500)


async def test_a_ceiling_changes_from_a_day_on_and_nothing_else(bureau: Bureau) -> None:
    await bureau.load("prices", [price(CEILED, "3.5", area="110000", level="l3")])
    assert bureau.told == []
    async with bureau.database.reader(None) as connection:
        catalogue = (await bureau.references.current(connection)).catalogue

    def ceiling(day: date, level: Level) -> int:
        terms = catalogue.terms_on(
            CEILED, day, area="110000", level=level, scheme=Scheme("310"), care_kind=CareKind("11")
        )
        assert terms is not None
        return terms.ceiling

    assert ceiling(date(2026, 7, 1), Level.THIRD) == 3_500_000
    assert ceiling(date(2026, 6, 30), Level.THIRD) == 5_000_000
    assert ceiling(date(2026, 7, 1), Level.SECOND) == 5_000_000


async def test_a_price_of_nothing_is_named(bureau: Bureau) -> None:
    rows = [price("NOSUCH", "1"), price(CLASS_A, "x")]
    await bureau.load("prices", rows)
    assert sorted(cells_of(bureau.told)) == [(2, "code"), (3, "ceiling")]


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"class": "04"}, "class"),
        ({"class": "01"}, "first_pay"),
        ({"first_pay": "1.1"}, "first_pay"),
        ({"restricted": "perhaps"}, "restricted"),
    ],
)
async def test_an_impossible_item_is_named(
    bureau: Bureau, cells: dict[str, str], column: str
) -> None:
    await bureau.load("catalogue", [item(**cells)])
    assert cells_of(bureau.told) == [(2, column)]


async def test_an_institution_is_designated_and_changed_by_date(bureau: Bureau) -> None:
    await bureau.load("institutions", [institution()])
    await bureau.load(
        "institutions",
        [institution(source_key="2", level="l2", **{"from": "2026-07-01"}), institution()],
    )
    assert bureau.told == []
    async with bureau.database.reader(None) as connection:
        directory = (await bureau.references.current(connection)).directory
    found = directory.institution("H11000000099")
    assert found is not None
    before, after = found.term_on(date(2026, 6, 30)), found.term_on(date(2026, 7, 1))
    assert before is not None
    assert after is not None
    assert (before.level, after.level, after.grade) == ("l3", "l2", "11")


async def test_an_institution_stays_in_its_pool(bureau: Bureau) -> None:
    rows = [
        institution(TERTIARY, source_key="x", pool="430100"),
        institution("P11000000099", kind="1"),
        institution("X1"),
    ]
    await bureau.load("institutions", rows)
    assert sorted(cells_of(bureau.told)) == [(2, "pool"), (3, "kind"), (4, "code")]
