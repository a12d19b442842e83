"""Law files are read strictly: whatever is wrong is named by file, key and reason."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.policy.builders import (
    AREA,
    counter,
    dated,
    document,
    law_of,
    limit,
    payer,
    toml_text,
    yuan_from,
)
from yibao.policy.load import law_book_of, load_law, load_law_book
from yibao.policy.parameters import LawError

FILE = f"{AREA}/employee.toml"
Change = Callable[[dict[str, Any]], None]

BANDS = "benefits.outpatient.payers.pool.bands"


def full_document() -> dict[str, Any]:
    """A law with a yearly deductible, a fund and its yearly cap."""
    pool = payer(Decimal("0.7"), caps={"year": limit("fund", 1500)})
    counters = {"fund": counter("year", "fund", "pool"), "paid": counter("year", "deductible")}
    return document({"pool": pool}, counters, {"year": limit("paid", 1800)})


def bands(value: Any) -> Change:
    """Replace the pool's bands."""

    def change(law: dict[str, Any]) -> None:
        law["benefits"]["outpatient"]["payers"]["pool"]["bands"][0]["value"] = value

    return change


def outpatient(law: dict[str, Any]) -> dict[str, Any]:
    """The benefit's table."""
    table: dict[str, Any] = law["benefits"]["outpatient"]
    return table


def amount(law: dict[str, Any]) -> dict[str, Any]:
    """The deductible's one entry."""
    entry: dict[str, Any] = outpatient(law)["deductible"]["year"]["amount"][0]
    return entry


def by_person(value: Any) -> Change:
    """A deductible that differs by person class."""
    return lambda law: amount(law).update(by=["person"], value=value)


def band(above: int, to: int | None, ratio: str) -> dict[str, Any]:
    """One band."""
    return {"above": above, "ratio": Decimal(ratio)} | ({} if to is None else {"to": to})


DEDUCTIBLE = "benefits.outpatient.deductible.year.amount"

FAULTS: list[tuple[str, Change, str, str]] = [
    (
        "unknown key of an entry, with the near one",
        lambda law: amount(law).update(confidense="page"),
        f"{DEDUCTIBLE}[0].confidense",
        "did you mean 'confidence'",
    ),
    (
        "unknown key of a payer",
        lambda law: outpatient(law)["payers"]["pool"].update(basis="in_scope"),
        "benefits.outpatient.payers.pool.basis",
        "did you mean 'base'",
    ),
    (
        "unknown key at the top",
        lambda law: law.update(benefit={}),
        "benefit",
        "did you mean 'benefits'",
    ),
    (
        "missing key",
        lambda law: law["counters"]["fund"].pop("scope"),
        "counters.fund.scope",
        "missing",
    ),
    (
        "missing key that was misspelt",
        lambda law: amount(law).update(form=amount(law).pop("from")),
        f"{DEDUCTIBLE}[0].from",
        "did you mean it by 'form'",
    ),
    ("missing reference", lambda law: amount(law).pop("source"), f"{DEDUCTIBLE}[0].source", "miss"),
    (
        "empty reference",
        lambda law: amount(law).update(source=[]),
        f"{DEDUCTIBLE}[0].source",
        "list of source keys",
    ),
    (
        "unknown source",
        lambda law: amount(law).update(source=["X9"]),
        f"{DEDUCTIBLE}[0].source",
        "no source 'X9'",
    ),
    (
        "source without address",
        lambda law: law["sources"].update(T={"title": "a page"}),
        "sources.T",
        "title and url",
    ),
    ("missing date", lambda law: amount(law).pop("from"), f"{DEDUCTIBLE}[0].from", "missing"),
    (
        "a text that is no date",
        lambda law: amount(law).update({"from": "2024-02-30"}),
        f"{DEDUCTIBLE}[0].from",
        "impossible date '2024-02-30'",
    ),
    (
        "a number for a date",
        lambda law: amount(law).update({"from": 2024}),
        f"{DEDUCTIBLE}[0].from",
        "must be a date",
    ),
    (
        "two values from one day",
        lambda law: outpatient(law)["deductible"]["year"]["amount"].append(yuan_from(9)),
        DEDUCTIBLE,
        "two values begin on 2000-01-01",
    ),
    (
        "wrong unit",
        lambda law: amount(law).update(unit="fen"),
        f"{DEDUCTIBLE}[0].unit",
        "known: yuan",
    ),
    (
        "unknown confidence",
        lambda law: amount(law).update(confidence="pages"),
        f"{DEDUCTIBLE}[0].confidence",
        "did you mean 'page'",
    ),
    (
        "negative amount",
        lambda law: amount(law).update(value=-1),
        f"{DEDUCTIBLE}[0].value",
        "cannot be negative",
    ),
    (
        "fraction of a fen",
        lambda law: amount(law).update(value=Decimal("1.234")),
        f"{DEDUCTIBLE}[0].value",
        "more than 2 decimals",
    ),
    (
        "no number",
        lambda law: amount(law).update(value="much"),
        f"{DEDUCTIBLE}[0].value",
        "not a number",
    ),
    ("ratio as a percentage", bands("70%"), f"{BANDS}[0].value", "not a number: '70%'; write 0.70"),
    ("ratio above 1", bands(Decimal("1.01")), f"{BANDS}[0].value", "outside 0..1"),
    ("ratio below 0", bands(Decimal("-0.1")), f"{BANDS}[0].value", "outside 0..1"),
    ("ratio in percent", bands(70), f"{BANDS}[0].value", "outside 0..1"),
    (
        "gap of bands",
        bands([band(0, 100, "0.5"), band(200, None, "0.6")]),
        f"{BANDS}[0].value[1].above",
        "gap",
    ),
    ("bands that begin late", bands([band(100, None, "0.5")]), f"{BANDS}[0].value[0].above", "gap"),
    (
        "overlap of bands",
        bands([band(0, 100, "0.5"), band(50, None, "0.6")]),
        f"{BANDS}[0].value[1].above",
        "overlaps",
    ),
    (
        "band after an open one",
        bands([band(0, None, "0.5"), band(50, None, "0.6")]),
        f"{BANDS}[0].value[1].above",
        "overlaps",
    ),
    (
        "band without extent",
        bands([band(0, 0, "0.5"), band(0, None, "0.6")]),
        f"{BANDS}[0].value[0].to",
        "above the band's start",
    ),
    ("bands without end", bands([band(0, 100, "0.5")]), f"{BANDS}[0].value[0].to", "must be open"),
    ("no band", bands([]), f"{BANDS}[0].value", "at least one band"),
    (
        "unknown key of a band",
        bands([{"above": 0, "rate": Decimal("0.5")}]),
        f"{BANDS}[0].value[0].ratio",
        "did you mean it by 'rate'",
    ),
    (
        "unknown person class",
        by_person({"active": 1, "retird": 2}),
        f"{DEDUCTIBLE}[0].value.retird",
        "did you mean 'retired'",
    ),
    ("no table of cases", by_person(5), f"{DEDUCTIBLE}[0].value", "must be a table by person"),
    (
        "relation to an absent case",
        by_person({"active": {"of": "retired", "times": "0.6"}}),
        f"{DEDUCTIBLE}[0].value.active",
        "absent case 'retired'",
    ),
    (
        "relation in a circle",
        by_person({"active": {"of": "retired"}, "retired": {"of": "active"}}),
        f"{DEDUCTIBLE}[0].value.retired",
        "back to itself",
    ),
    (
        "relation misspelt",
        by_person({"active": 5, "retired": {"of": "active", "time": "0.6"}}),
        f"{DEDUCTIBLE}[0].value.retired.time",
        "did you mean 'times'",
    ),
    (
        "unknown dimension",
        lambda law: amount(law).update(by=["persons"]),
        f"{DEDUCTIBLE}[0].by",
        "did you mean 'person'",
    ),
    (
        "a parameter that cannot differ",
        lambda law: law["benefit_year"][0].update(by=["person"], value={"active": "01-01"}),
        "benefit_year[0].by",
        "same for every bill",
    ),
    (
        "benefit year on no day",
        lambda law: law["benefit_year"][0].update(value="02-30"),
        "benefit_year[0].value",
        "MM-DD",
    ),
    (
        "benefit year on a leap day",
        lambda law: law["benefit_year"][0].update(value="02-29"),
        "benefit_year[0].value",
        "day of every year",
    ),
    (
        "unknown place",
        lambda law: outpatient(law)["places"][0].update(value=["gras"]),
        "benefits.outpatient.places[0].value",
        "did you mean 'grass'",
    ),
    (
        "unknown amount field",
        lambda law: outpatient(law)["payers"]["pool"]["reported_as"][0]["value"].update(
            amount_field="hifp_pay"
        ),
        "benefits.outpatient.payers.pool.reported_as[0].value.amount_field",
        "did you mean 'hifp'",
    ),
    (
        "undeclared counter",
        lambda law: outpatient(law)["deductible"]["year"].update(counter="payd"),
        "benefits.outpatient.deductible.year.counter",
        "did you mean 'paid'",
    ),
    (
        "deductible on a counter of something else",
        lambda law: outpatient(law)["deductible"]["year"].update(counter="fund"),
        "benefits.outpatient.deductible.year.counter",
        "must count the deductible",
    ),
    (
        "cap on a counter of something else",
        lambda law: outpatient(law)["payers"]["pool"]["caps"]["year"].update(counter="paid"),
        "benefits.outpatient.payers.pool.caps.year.counter",
        "fund paid, on cost or on payments",
    ),
    (
        "bands on a counter of something else",
        lambda law: outpatient(law)["payers"]["pool"].update(counter="fund"),
        "benefits.outpatient.payers.pool.counter",
        "counts fund",
    ),
    (
        "counter of an unknown payer",
        lambda law: law["counters"]["fund"].update(payers=["pol"]),
        "benefits.outpatient.payers.pool.caps.year.counter",
        "does not count what pool pays",
    ),
    (
        "counter of an unknown benefit",
        lambda law: law["counters"]["fund"].update(benefits=["outpatient", "inpatient"]),
        "counters.fund.benefits",
        "no benefit 'inpatient'",
    ),
    (
        "counter of other schemes",
        lambda law: law["counters"]["fund"].update(schemes=["390"]),
        "counters.fund.schemes",
        "does not name this scheme",
    ),
    (
        "unknown scope",
        lambda law: law["counters"]["fund"].update(scope="years"),
        "counters.fund.scope",
        "did you mean 'year'",
    ),
    (
        "payer left out of the order",
        lambda law: outpatient(law).update(payer_order=[]),
        "benefits.outpatient.payer_order",
        "each of the payers once",
    ),
    (
        "first payer on another base",
        lambda law: outpatient(law)["payers"]["pool"].update(base="co_pay"),
        "benefits.outpatient.payers.pool.base",
        "the first payer",
    ),
    (
        "person type in two classes",
        lambda law: law["classes"]["person"].update(retired=["11"]),
        "classes.person.retired",
        "already 'active'",
    ),
    (
        "another area's folder",
        lambda law: law["law"].update(area="110000"),
        "law.area",
        "another area's",
    ),
    (
        "misspelt sources",
        lambda law: law.update(source=law.pop("sources")),
        "sources",
        "missing (did you mean it by 'source'?)",
    ),
    ("no law at all", lambda law: law.pop("law"), "law", "missing"),
    (
        "no law to inherit",
        lambda law: law["law"].update(inherits="980000"),
        "law.inherits",
        "no law of area 980000",
    ),
    (
        "law inherits itself",
        lambda law: law["law"].update(inherits=AREA),
        "law.inherits",
        "in a circle",
    ),
    (
        "table instead of a value",
        lambda law: law.update(benefit_year={"01-01": 1}),
        "benefit_year.from",
        "[defaults]",
    ),
]


@pytest.mark.parametrize(
    ("change", "key", "reason"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS]
)
def test_a_fault_is_named_by_file_key_and_reason(change: Change, key: str, reason: str) -> None:
    law = full_document()
    law_of(law)  # sound before the change
    change(law)
    with pytest.raises(LawError) as raised:
        law_book_of({FILE: toml_text(law)})
    assert (raised.value.file, raised.value.key) == (FILE, key)
    assert reason in raised.value.reason
    assert str(raised.value) == f"{FILE}: {key}: {raised.value.reason}"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[law]\nfrom = 2024-02-30\n", "from"),
        ('[law]\narea = "1"\narea = "2"\n', "area"),
        ('[law]\ntitle = "open\n', "title"),
        ("[law\n", "line 1"),
    ],
    ids=["impossible date", "key twice", "text without end", "broken table"],
)
def test_broken_toml_names_file_and_nearest_key(text: str, key: str) -> None:
    with pytest.raises(LawError) as raised:
        law_book_of({FILE: text})
    assert (raised.value.file, raised.value.key) == (FILE, key)


def test_tables_too_deep_for_any_law_are_refused() -> None:
    with pytest.raises(LawError, match="more than 64 deep"):
        law_book_of({FILE: f"law{'.law' * 3000} = 1\n"})


def test_a_missing_key_is_not_mistaken_for_a_good_one_beside_it() -> None:
    law = full_document()
    del outpatient(law)["deductible"]["year"]["counter"]
    with pytest.raises(LawError) as raised:
        law_book_of({FILE: toml_text(law)})
    assert raised.value.reason == "missing"  # and not: did you mean it by 'amount'?


def test_a_near_class_is_told_as_the_law_writes_it() -> None:
    law = full_document()
    amount(law).update(by=["level"], value={"l33": 1, "other": 2})
    with pytest.raises(LawError, match=r"unknown level 'l33' \(did you mean 'l3'\?\)"):
        law_book_of({FILE: toml_text(law)})


def test_a_kind_of_care_in_two_benefits_on_one_day_is_a_contradiction() -> None:
    law = full_document()
    second = document()["benefits"]["outpatient"]
    second["care_kinds"] = [dated(["21"]), dated(["11", "21"], date(2020, 1, 1))]
    law["benefits"]["second"] = second
    with pytest.raises(LawError, match=r"11 belongs to 'outpatient' already on 2020-01-01"):
        law_book_of({FILE: toml_text(law)})


def test_one_law_in_two_files_is_a_fault() -> None:
    text = toml_text(full_document())
    with pytest.raises(LawError, match="is this law already"):
        law_book_of({FILE: text, f"{AREA}/other.toml": text})


def test_two_schemes_may_not_use_one_counter_name_for_two_counters() -> None:
    resident = full_document()
    resident["law"]["scheme"] = "390"
    for declared in resident["counters"].values():
        declared["schemes"] = ["390"]
    with pytest.raises(LawError, match="declares another counter of this name"):
        law_book_of(
            {FILE: toml_text(full_document()), f"{AREA}/resident.toml": toml_text(resident)}
        )


def test_a_scheme_that_shares_a_counter_must_declare_it() -> None:
    employee, resident = full_document(), full_document()
    resident["law"]["scheme"] = "390"
    employee["counters"]["fund"]["schemes"] = ["310", "390"]
    for declared in resident["counters"].values():
        declared["schemes"] = ["390"]
    resident["counters"]["own"] = resident["counters"].pop("fund")
    resident["counters"]["own_paid"] = resident["counters"].pop("paid")
    pool = resident["benefits"]["outpatient"]["payers"]["pool"]
    pool["caps"]["year"]["counter"] = "own"
    resident["benefits"]["outpatient"]["deductible"]["year"]["counter"] = "own_paid"
    files = {FILE: toml_text(employee), f"{AREA}/resident.toml": toml_text(resident)}
    with pytest.raises(LawError, match=r"resident\.toml: counters\.fund: missing"):
        law_book_of(files)


def test_a_law_is_read_wherever_it_lies_with_what_it_inherits(tmp_path: Path) -> None:
    city = {"law": {"area": "990100", "scheme": "310", "title": "city", "inherits": AREA}}
    for province_path, city_path in (
        ("990000/employee.toml", "990100/employee.toml"),
        ("beside/province.toml", "beside/city.toml"),
        ("laws/990000/employee.toml", "elsewhere/city.toml"),
    ):
        for path, law in ((province_path, full_document()), (city_path, city)):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(toml_text(law), encoding="utf-8")
        law = load_law(tmp_path / city_path, tmp_path / "laws")
        assert (law.title, len(law.benefits)) == ("city", 1)


def test_a_law_that_inherits_a_packaged_one_is_read_alone(tmp_path: Path) -> None:
    law = {"law": {"area": "430999", "scheme": "310", "title": "city", "inherits": "430000"}}
    (tmp_path / "city.toml").write_text(toml_text(law), encoding="utf-8")
    assert load_law(tmp_path / "city.toml").benefits


def test_a_law_that_inherits_what_is_nowhere_says_so(tmp_path: Path) -> None:
    law = {"law": {"area": "980100", "scheme": "310", "title": "city", "inherits": "980000"}}
    (tmp_path / "city.toml").write_text(toml_text(law), encoding="utf-8")
    with pytest.raises(LawError, match=r"city\.toml: law\.inherits: no law of area 980000"):
        load_law(tmp_path / "city.toml")


def test_a_file_of_another_editor_is_read_and_one_that_is_no_text_is_named(tmp_path: Path) -> None:
    text = toml_text(full_document())
    (tmp_path / "a.toml").write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    assert load_law(tmp_path / "a.toml").area == AREA
    (tmp_path / "b.toml").write_bytes(text.encode("gbk"))
    with pytest.raises(LawError, match="not text in UTF-8"):
        load_law(tmp_path / "b.toml")


def test_laws_are_read_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / AREA).mkdir()
    (tmp_path / AREA / "employee.toml").write_text(toml_text(full_document()), encoding="utf-8")
    (tmp_path / "README.md").write_text("not a law", encoding="utf-8")
    assert list(load_law_book(tmp_path).laws) == [(AREA, "310")]
