"""Laws are inherited, dated, related and fingerprinted as they are written."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.policy.builders import (
    AREA,
    BEGIN,
    benefit,
    counter,
    dated,
    document,
    law_of,
    limit,
    payer,
    toml_text,
    yuan_from,
)
from yibao.kernel.money import Rate
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.law_book import LawBook, law_from_canonical
from yibao.policy.load import law_book_of
from yibao.policy.model import Law
from yibao.policy.parameters import Case, LawError
from yibao.policy.terms import EMPLOYEE, RESIDENT, CareKind, Level

CITY = "990100"
DAY = date(2025, 6, 1)


def case(person: str | None, level: Level = Level.THIRD) -> Case:
    """The classes of a bill."""
    return {"person": person, "level": level}


ACTIVE = case("active")
RETIRED = case("retired")


def province() -> dict[str, Any]:
    """A province's law with a yearly deductible and a cap whose amount is the city's."""
    pool = payer(Decimal("0.7"), caps={"year": {"counter": "fund"}})
    counters = {"fund": counter("year", "fund", "pool"), "paid": counter("year", "deductible")}
    return document({"pool": pool}, counters, {"year": limit("paid", 1800)})


def city(**pool: Any) -> dict[str, Any]:
    """A city's law over the province's."""
    return {
        "law": {"area": CITY, "scheme": "310", "title": "试验市", "inherits": AREA},
        "sources": {"T": {"title": "the city's page", "url": "city"}},
        "benefits": {"outpatient": {"payers": {"pool": pool}}},
    }


def book(city_law: dict[str, Any]) -> LawBook:
    """Province and city."""
    files = {f"{AREA}/employee.toml": province(), f"{CITY}/employee.toml": city_law}
    return law_book_of({name: toml_text(law) for name, law in files.items()})


def deductible(law: Law, day: date, case: Case = ACTIVE) -> int | None:
    """The yearly deductible of a law."""
    return law.benefits[0].deductible[0].amount.find(day, case).value


def dated_deductible(*entries: dict[str, Any]) -> Law:
    """A law with these entries for its deductible."""
    law = province()
    law["benefits"]["outpatient"]["deductible"]["year"]["amount"] = list(entries)
    return law_of(law)


# ------------------------------------------------------------------------------- inheritance


def test_a_city_takes_the_province_rule_and_each_value_keeps_its_own_file_and_source() -> None:
    caps = {"year": {"amount": [yuan_from(560)]}}
    law = book(city(caps=caps)).law_on(CITY, EMPLOYEE, DAY)
    cap = law.benefits[0].payers[0].caps[0].amount.find(DAY, ACTIVE)
    bands = law.benefits[0].payers[0].bands.find(DAY, ACTIVE)
    assert law.title == "试验市"
    assert cap.value == 56000
    assert cap.parameter.startswith(f"{CITY}/employee.toml: benefits.outpatient.payers.pool.caps")
    assert cap.reference.startswith("the city's page <city>")
    assert bands.parameter.startswith(f"{AREA}/employee.toml: ")
    assert bands.reference.startswith("a test <none>")


def test_a_city_value_replaces_the_whole_list_of_the_province() -> None:
    law = book(city(bands=[dated(Decimal("0.8"), date(2025, 1, 1), unit="fund_share")]))
    bands = law.law_on(CITY, EMPLOYEE, DAY).benefits[0].payers[0].bands
    assert bands.find(DAY, ACTIVE).value[0].rate == Rate(8000)
    with pytest.raises(Refused, match=r"pool\.bands"):
        bands.find(date(2024, 12, 31), ACTIVE)


def test_a_fault_in_a_city_file_names_the_city_file() -> None:
    with pytest.raises(LawError, match="did you mean 'bands'") as raised:
        book(city(bandz=[]))
    assert raised.value.file == f"{CITY}/employee.toml"


def test_what_no_file_carries_stays_absent_and_is_refused_by_name() -> None:
    law = book(city()).law_on(CITY, EMPLOYEE, DAY)
    with pytest.raises(Refused) as raised:
        law.benefits[0].payers[0].caps[0].amount.find(DAY, ACTIVE)
    assert raised.value.refusal.code is RefusalCode.PARAMETER_MISSING
    assert raised.value.refusal.facts == {
        "parameter": "benefits.outpatient.payers.pool.caps.year.amount",
        "day": "2025-06-01",
    }
    assert "benefits.outpatient.payers.pool.caps.year.amount" in raised.value.refusal.message


def plain_province() -> dict[str, Any]:
    """A province's law with defaults, a plain deductible and two payers."""
    law = province()
    law["defaults"] = {"from": date(2020, 1, 1), "source": ["T"], "confidence": "page"}
    outpatient = law["benefits"]["outpatient"]
    outpatient["deductible"]["year"]["amount"] = 1800
    outpatient["payers"]["top_up"] = payer(Decimal("0.5"), base="unpaid")
    outpatient["payer_order"] = ["pool", "top_up"]
    return law


def book_over(province_law: dict[str, Any], **city_law: Any) -> Law:
    """A city's law over a province's."""
    above = city() | city_law
    files = {f"{AREA}/employee.toml": province_law, f"{CITY}/employee.toml": above}
    texts = {name: toml_text(law) for name, law in files.items()}
    return law_book_of(texts).law_on(CITY, EMPLOYEE, DAY)


def outpatient(**benefit: Any) -> dict[str, Any]:
    """A city's own rules of outpatient care."""
    return {"outpatient": benefit}


def test_an_inherited_value_keeps_the_defaults_of_its_own_file_through_the_stored_text() -> None:
    own = {"from": date(2024, 1, 1), "source": ["T"], "confidence": "record"}
    caps = {"year": {"amount": 560}}
    law = book_over(
        plain_province(), defaults=own, benefits=outpatient(payers={"pool": {"caps": caps}})
    )
    for one in (law, law_from_canonical(law.canonical)):
        rules = one.benefits[0]
        inherited = rules.deductible[0].amount.find(DAY, ACTIVE)
        replaced = rules.payers[0].caps[0].amount.find(DAY, ACTIVE)
        assert (inherited.version.start, inherited.reference) == (
            date(2020, 1, 1),
            "a test <none> [page]",
        )
        assert (replaced.version.start, replaced.reference) == (
            date(2024, 1, 1),
            "the city's page <city> [record]",
        )


ONE_ENTRY = {"by": ["person"], "value": {"active": 900, "other": 800}}


@pytest.mark.parametrize("below", [1800, ONE_ENTRY, [dated(1800), dated(1, date(2024, 1, 1))]])
@pytest.mark.parametrize("above", [700, {"value": 700}, [dated(700)]])
def test_however_it_is_written_a_city_s_value_replaces_the_province_s_whole(
    below: Any, above: Any
) -> None:
    provincial = plain_province()
    provincial["benefits"]["outpatient"]["deductible"]["year"]["amount"] = below
    law = book_over(
        provincial,
        defaults={"from": BEGIN, "source": ["T"], "confidence": "page"},
        benefits=outpatient(deductible={"year": {"amount": above}}),
    )
    amount = law.benefits[0].deductible[0].amount
    assert [version.cases for version in amount.versions] == [{(): 70_000}]


def test_a_plain_table_of_a_value_is_replaced_whole_too() -> None:
    provincial = plain_province()
    pool = provincial["benefits"]["outpatient"]["payers"]["pool"]
    pool["reported_as"] = {"fund": "310100", "amount_field": "hifp"}
    with pytest.raises(LawError, match=r"reported_as\.amount_field: missing"):
        book_over(
            provincial,
            defaults={"from": BEGIN, "source": ["T"], "confidence": "page"},
            benefits=outpatient(payers={"pool": {"reported_as": {"fund": "310200"}}}),
        )


def test_a_city_replaces_the_classes_of_a_dimension_whole() -> None:
    person = {"fact": "person_type", "order": ["everyone"], "everyone": ["1"]}
    law = book_over(plain_province(), classes={"person": person})
    assert law.classes["person"].names == ("everyone",)


def test_a_city_removes_a_payer_of_the_province_by_leaving_it_out_of_the_order() -> None:
    law = book_over(plain_province(), benefits=outpatient(payer_order=["pool"]))
    for one in (law, law_from_canonical(law.canonical)):
        assert [payer.key for payer in one.benefits[0].payers] == ["pool"]


def test_a_city_cannot_leave_out_a_payer_that_it_speaks_of_itself() -> None:
    changed = outpatient(payer_order=["pool"], payers={"top_up": {"title": "mine"}})
    with pytest.raises(LawError, match="each of the payers once"):
        book_over(plain_province(), benefits=changed)


def test_a_city_cannot_add_a_payer_without_an_order() -> None:
    added = outpatient(payers={"mine": payer(Decimal("0.1"), base="unpaid")})
    with pytest.raises(LawError, match="each of the payers once"):
        book_over(plain_province(), benefits=added)


def test_a_text_stored_before_dimensions_were_declared_is_read_with_its_fingerprint() -> None:
    stored = json.loads(law_of(document()).canonical)
    person = stored["law"].pop("classes")["person"]
    stored["law"]["persons"] = {name: person[name] for name in person["order"]}
    text = json.dumps(stored, ensure_ascii=False)
    law = law_from_canonical(text)
    assert law.canonical == text
    assert set(law.classes["person"].names) == {"active", "retired", "resident"}


@pytest.mark.parametrize(
    ("division", "area"), [(CITY, CITY), ("990181", CITY), ("990200", AREA), ("990281", AREA)]
)
def test_a_division_without_a_law_of_its_own_has_its_city_then_its_province(
    division: str, area: str
) -> None:
    assert book(city()).law_on(division, EMPLOYEE, DAY).area == area


def test_an_area_or_scheme_without_any_law_is_refused() -> None:
    for division, scheme in (("980000", EMPLOYEE), (AREA, RESIDENT)):
        with pytest.raises(Refused) as raised:
            book(city()).law_on(division, scheme, DAY)
        assert raised.value.refusal.code is RefusalCode.PARAMETER_MISSING
        assert division in raised.value.refusal.message


# ------------------------------------------------------------------------------ dated values


def test_the_latest_value_that_has_begun_applies() -> None:
    law = dated_deductible(yuan_from(900, date(2024, 1, 1)), yuan_from(1800, date(2023, 1, 1)))
    assert deductible(law, date(2023, 12, 31)) == 180000
    assert deductible(law, date(2024, 1, 1)) == 90000
    assert deductible(law, date(2030, 1, 1)) == 90000


def test_before_the_first_value_the_parameter_is_missing() -> None:
    law = dated_deductible(yuan_from(900, date(2024, 1, 1)))
    with pytest.raises(Refused, match=r"deductible\.year\.amount.*2023-12-31"):
        deductible(law, date(2023, 12, 31))


def test_none_says_that_there_is_no_limit() -> None:
    assert deductible(dated_deductible(yuan_from("none")), DAY) is None


# ------------------------------------------------------------------------- cases and relations


def test_a_relation_is_derived_from_the_case_it_names() -> None:
    law = dated_deductible(
        yuan_from({"active": 1600, "retired": {"of": "active", "times": "0.7"}}, by=["person"])
    )
    assert deductible(law, DAY, RETIRED) == 112000
    assert '"times":"0.7"' in law.canonical


def test_other_stands_for_every_class_not_named_and_an_unplaced_person_is_refused() -> None:
    law = dated_deductible(yuan_from({"retired": 1300, "other": 1800}, by=["person"]))
    assert deductible(law, DAY, RETIRED) == 130000
    assert deductible(law, DAY, case("resident", Level.FIRST)) == 180000
    with pytest.raises(Refused, match="unknown"):
        deductible(law, DAY, case(None, Level.FIRST))


def test_a_class_that_is_not_carried_is_refused_by_its_name() -> None:
    law = dated_deductible(yuan_from({"l1": 100, "l3": 550}, by=["level"]))
    with pytest.raises(Refused, match=r"deductible\.year\.amount\.l2"):
        deductible(law, DAY, case("active", Level.SECOND))


def test_a_relation_may_stand_for_a_whole_level_of_cases() -> None:
    value = {
        "active": {"l3": [{"above": 0, "ratio": Decimal("0.14")}], "other": Decimal("0.11")},
        "retired": {"of": "active", "times": "0.8"},
    }
    bands = dated(value, unit="own_share", by=["person", "level"])
    law = document({"pool": payer(0) | {"bands": [bands]}})
    found = law_of(law).benefits[0].payers[0].bands
    assert found.find(DAY, ACTIVE).value[0].rate == Rate(8600)
    assert found.find(DAY, RETIRED).value[0].rate == Rate(8880)
    assert found.find(DAY, case("retired", Level.FIRST)).value[0].rate == Rate(9120)


def test_points_are_added_to_a_ratio() -> None:
    value = {"active": Decimal("0.93"), "retired": {"of": "active", "plus": "0.02"}}
    bands = dated(value, unit="fund_share", by=["person"])
    law = law_of(document({"pool": payer(0) | {"bands": [bands]}}))
    assert law.benefits[0].payers[0].bands.find(DAY, RETIRED).value[0].rate == Rate(9500)


def test_a_ratio_that_no_decimals_say_is_written_as_a_fraction_and_kept_exact() -> None:
    law = law_of(document({"pool": payer("2/3")}))
    assert law.benefits[0].payers[0].bands.find(DAY, ACTIVE).value[0].rate == Rate(2, 3)


# ----------------------------------------------------------------- benefit year, kinds of care


@pytest.mark.parametrize(
    ("start", "day", "year"),
    [
        ("01-01", date(2025, 1, 1), "2025"),
        ("01-01", date(2025, 12, 31), "2025"),
        ("07-01", date(2025, 6, 30), "2024-07-01"),
        ("07-01", date(2025, 7, 1), "2025-07-01"),
    ],
)
def test_the_benefit_year_begins_on_the_law_s_day(start: str, day: date, year: str) -> None:
    content = document()
    content["benefit_year"] = [dated(start)]
    assert law_of(content).benefit_year(day) == year


def test_a_kind_of_care_the_law_does_not_speak_of_is_refused_by_name() -> None:
    law = law_of(document())
    assert law.benefit_for(CareKind("41"), DAY) is None
    with pytest.raises(Refused, match=r"care_kinds\.14"):
        law.benefit_for(CareKind("14"), DAY)


def test_a_benefit_that_has_not_begun_leaves_the_others_alone() -> None:
    content = document()
    new = benefit({"pool": payer(Decimal("0.5"))}) | {"care_kinds": [dated(["21"], DAY)]}
    content["benefits"]["inpatient"] = new
    law = law_of(content)
    before = date(2025, 5, 31)
    found = law.benefit_for(CareKind("11"), before)
    assert found is not None
    assert found.key == "outpatient"
    assert law.benefit_for(CareKind("21"), DAY) is not None
    with pytest.raises(Refused, match=r"benefits\.inpatient\.care_kinds"):
        law.benefit_for(CareKind("21"), before)


def test_purchases_that_are_not_paid_may_still_hold_lines_of_a_bucket_that_is() -> None:
    content = document()
    dual = benefit({"pool": payer(Decimal("0.6"))}) | {
        "care_kinds": [dated(["41"])],
        "buckets": ["dual_channel"],
    }
    content["benefits"]["dual_channel"] = dual
    law = law_of(content)
    assert law.benefit_for(CareKind("41"), DAY) is None
    found = law.benefit_for(CareKind("41"), DAY, "dual_channel")
    assert found is not None
    assert found.key == "dual_channel"


# ------------------------------------------------------------------------------- fingerprints


def test_a_stored_law_comes_back_with_the_same_fingerprint_and_values() -> None:
    caps = {"year": {"amount": [yuan_from(Decimal("560.50"))]}}
    law = book(city(caps=caps)).law_on(CITY, EMPLOYEE, DAY)
    again = law_from_canonical(law.canonical)
    assert (again.fingerprint, again.canonical) == (law.fingerprint, law.canonical)
    assert again.benefits == law.benefits
    assert again.counters == law.counters


def test_the_fingerprint_does_not_depend_on_the_order_of_keys_or_on_spacing() -> None:
    content = province()
    turned = dict(reversed(content.items()))
    assert law_of(turned).fingerprint == law_of(content).fingerprint


def test_the_fingerprint_changes_with_a_value_a_date_and_a_source() -> None:
    base = yuan_from(1800)
    source = {"sources": {"T": {"title": "another page", "url": "none"}}}
    prints = {
        dated_deductible(base).fingerprint,
        dated_deductible(yuan_from(1801)).fingerprint,
        dated_deductible(yuan_from(1800, date(2000, 1, 2))).fingerprint,
        law_of(province() | source).fingerprint,
    }
    assert len(prints) == 4


def test_the_fingerprint_of_a_known_law_is_the_same_on_every_machine() -> None:
    assert law_of(document()).fingerprint == (
        "08cdea671f60c3717df1c5d5b8496ee99fda27152beea7f5149225dc1ad8e50f"
    )


def test_a_province_value_that_the_city_replaces_does_not_touch_the_city_s_fingerprint() -> None:
    own = {"caps": {"year": {"amount": [yuan_from(560)]}}}
    first = book(city(**own))
    changed = province()
    changed["benefits"]["outpatient"]["payers"]["pool"]["caps"]["year"]["amount"] = [yuan_from(9)]
    files = {f"{AREA}/employee.toml": changed, f"{CITY}/employee.toml": city(**own)}
    second = law_book_of({name: toml_text(law) for name, law in files.items()})
    assert first.law_on(AREA, EMPLOYEE, DAY).fingerprint != (
        second.law_on(AREA, EMPLOYEE, DAY).fingerprint
    )
    assert first.law_on(CITY, EMPLOYEE, DAY).fingerprint == (
        second.law_on(CITY, EMPLOYEE, DAY).fingerprint
    )


def test_a_law_is_found_by_its_fingerprint() -> None:
    laws = book(city())
    law = laws.law_on(CITY, EMPLOYEE, DAY)
    assert laws.by_fingerprint(law.fingerprint) is law
    assert laws.by_fingerprint("0" * 64) is None
