"""The law's own rules of fee lines: first pay, excess over a ceiling, bucket."""

import pytest

from tests.adjudication.builders import stay_of
from tests.adjudication.laws import law_from
from yibao.adjudication.classify import classify
from yibao.adjudication.explanation.explain import explain_line
from yibao.adjudication.lines import RawTerms, terms_under
from yibao.adjudication.model import ChargedLine, ItemTerms, LineSplit
from yibao.kernel.money import PRICE_SCALE, QUANTITY_SCALE, ZERO_RATE, Rate
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.model import OverLimit
from yibao.policy.terms import ItemClass, Place

YUAN = 10**PRICE_SCALE
ONE = 10**QUANTITY_SCALE

LAW = law_from(
    """
    benefits.stay.payers.pool = { bands = 0.5 }
    [benefits.dual]
    buckets = ["dual_channel"]
    payers.pool.bands = 0.6
    [classes.kind]
    fact = "item_kind"
    order = ["implant_home", "implant_imported", "special"]
    implant_home = ["implant_home"]
    implant_imported = ["implant_imported"]
    special = ["dual_drug"]
    otherwise = "plain"
    [lines]
    bucket = { by = ["kind"], value = { special = "dual_channel", other = "general" } }
    over_limit = { by = ["place"], value = { local = "hospital", other = "own" } }
    [lines.first_pay]
    by = ["item_class", "kind"]
    value = { A = 0, B = { implant_home = 0.1, implant_imported = 0.3, other = 0.05 } }
    """
)


def terms(raw: RawTerms, **facts: Place) -> ItemTerms:
    """An item's terms under the law."""
    return terms_under(LAW, stay_of(LAW, **facts), raw)


@pytest.mark.parametrize(
    ("item_class", "kind", "share"),
    [
        (ItemClass.A, None, 0),
        (ItemClass.B, None, 500),
        (ItemClass.B, "implant_home", 1000),
        (ItemClass.B, "implant_imported", 3000),
        (ItemClass.C, "implant_imported", 0),
    ],
)
def test_the_first_pay_differs_by_class_and_kind_of_the_item(
    item_class: ItemClass, kind: str | None, share: int
) -> None:
    rate = terms(RawTerms(item_class, kind)).first_pay
    assert rate.numerator * 10_000 == share * rate.denominator


def test_what_the_catalogue_says_of_an_item_goes_before_the_law() -> None:
    raw = RawTerms(ItemClass.B, "dual_drug", Rate(200), YUAN, True, "targeted", OverLimit.WHOLE)
    assert terms(raw) == ItemTerms(ItemClass.B, Rate(200), YUAN, True, "targeted", OverLimit.WHOLE)


def test_a_kind_of_item_may_have_a_bucket_of_its_own() -> None:
    assert terms(RawTerms(ItemClass.A, "dual_drug")).bucket == "dual_channel"
    assert terms(RawTerms(ItemClass.A)).bucket == "general"


def test_who_bears_the_excess_may_turn_on_the_bill() -> None:
    raw = RawTerms(ItemClass.A, ceiling=YUAN)
    assert terms(raw).over_limit is OverLimit.HOSPITAL
    assert terms(raw, place=Place.OUTSIDE).over_limit is OverLimit.OWN


def test_a_law_without_rules_of_lines_leaves_an_item_as_it_is() -> None:
    law = law_from("benefits.stay.payers.pool = { bands = 0.5 }")
    found = terms_under(law, stay_of(law), RawTerms(ItemClass.B, "implant_home", ceiling=YUAN))
    assert found == ItemTerms(ItemClass.B, ZERO_RATE, YUAN)


def over(style: OverLimit, rate: int = 1000) -> tuple[ChargedLine, ItemTerms]:
    """Two units of 12.00 yuan with a ceiling of 10.00."""
    line = ChargedLine(2_400, 12 * YUAN, 2 * ONE)
    return line, ItemTerms(ItemClass.B, Rate(rate), 10 * YUAN, over_limit=style)


@pytest.mark.parametrize(
    ("style", "split"),
    [
        (OverLimit.OWN, LineSplit(0, 400, 200, 1_800)),
        (OverLimit.HOSPITAL, LineSplit(0, 400, 200, 1_800, 400)),
        (OverLimit.WHOLE, LineSplit(2_400, 0, 0, 0)),
    ],
)
def test_the_excess_over_a_ceiling_is_disposed_of_as_the_law_says(
    style: OverLimit, split: LineSplit
) -> None:
    assert classify(*over(style)) == split


def test_a_price_that_nobody_may_exceed_is_refused() -> None:
    with pytest.raises(Refused) as raised:
        classify(*over(OverLimit.REFUSE))
    assert raised.value.refusal.code is RefusalCode.AMOUNT_OUT_OF_RANGE
    assert raised.value.refusal.field == "price"


@pytest.mark.parametrize(
    ("style", "words"),
    [
        (OverLimit.HOSPITAL, "超限价 4.00 元医院承担"),
        (OverLimit.WHOLE, "24.00 元：单价超过限价 10 元，全部自费。"),
    ],
)
def test_who_bears_the_excess_is_said(style: OverLimit, words: str) -> None:
    line, item = over(style)
    assert words in explain_line(line, item, classify(line, item))
