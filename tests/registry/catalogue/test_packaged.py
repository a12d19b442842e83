"""The packaged catalogue is whole, plausible, and honest about what was invented."""

from collections import Counter
from datetime import date

import pytest

from yibao.kernel.money import PRICE_SCALE
from yibao.registry.catalogue import packaged

pytestmark = pytest.mark.thorough

AREAS = {None, "110000", "430100"}


def test_every_code_of_the_sources_is_there_once() -> None:
    kinds = Counter(row[2] for row in packaged.items())
    assert kinds == {"101": 13_738, "201": 2_333}
    assert len({row[0] for row in packaged.items()}) == 13_738 + 2_333
    assert len(dict(packaged.diagnoses())) == 33_304
    assert len(dict(packaged.divisions())) == 34 + 337 + 2_846
    lists = Counter(kind for _, kind, _ in packaged.list_entries())
    assert lists == {"procedure": 13_686, "case_group": 628}
    assert len({code for code, *_ in packaged.list_entries()}) == 13_686 + 628


def test_invented_prices_and_classes_are_marked() -> None:
    items = list(packaged.items())
    assert all(row[5] for row in items), "we have no real price"
    assert sum(not row[6] for row in items) == 5_314, "codes with a class of the NRDL 2024"
    for row in packaged.item_terms():
        if row[8] or row[9] is not None:
            assert row[13], f"{row[0]}: ratio and ceiling are ours and must say so"


def test_every_item_has_terms_at_any_place_on_every_day() -> None:
    general = Counter(
        row[0] for row in packaged.item_terms() if row[1] == date(2025, 1, 1) and not any(row[3:7])
    )
    assert general == dict.fromkeys((row[0] for row in packaged.items()), 1)


def test_only_class_b_has_a_first_self_pay_ratio() -> None:
    for row in packaged.item_terms():
        ratio = row[8]
        if row[7] == "02":
            assert 500 <= ratio <= 3_500, row
        else:
            assert ratio == 0, row


def test_prices_are_plausible() -> None:
    yuan = 10**PRICE_SCALE
    for code, name, kind, charge, price, *_ in packaged.items():
        assert 5 * yuan // 100 <= price <= 5_000 * yuan, (code, name)
        if charge == "02":
            assert price <= 120 * yuan, (code, name)
        if kind == "101":
            assert price <= 400 * yuan, (code, name)


def test_each_condition_of_the_terms_occurs() -> None:
    rows = list(packaged.item_terms())
    assert {row[3] for row in rows} == AREAS
    assert {row[4] for row in rows} == {None, "l2", "l1", "grass"}
    assert {row[5] for row in rows} == {None, "390", "510"}
    assert {"21", None} < {row[6] for row in rows}
    assert {row[10] for row in rows} == {True, False}
    assert any(row[2] == date(2026, 1, 1) for row in rows)
    assert len(rows) < 60_000
