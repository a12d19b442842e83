"""Which columns a law asks for is read off the law."""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.analysis.builders import bill, population
from tests.analysis.laws import small_law
from tests.analysis.test_whatif import TODAY
from tests.policy.builders import counter, document, law_of, limit, payer, yuan_from
from yibao.analysis.model import PopulationError
from yibao.analysis.needs import columns_needed, same_line_rules
from yibao.analysis.reading import scan
from yibao.analysis.whatif import compare
from yibao.policy.model import Law


def law_by_poverty() -> Law:
    content = document(
        counters={"paid": counter("visit", "deductible")},
        deductible={"visit": limit("paid", 10)},
    )
    content.setdefault("classes", {})["poverty"] = {
        "fact": "identity",
        "order": ["poor"],
        "poor": ["2303"],
        "otherwise": "ordinary",
    }
    content["benefits"]["outpatient"]["deductible"]["visit"]["amount"] = [
        yuan_from({"poor": 5, "ordinary": 10}, by=["poverty"])
    ]
    return law_of(content)


def test_a_law_needs_what_its_values_and_counters_depend_on() -> None:
    plain = columns_needed(law_of(document()))
    needed = columns_needed(law_by_poverty())
    assert "identities" not in plain
    assert "visit" not in plain
    assert needed["identities"] == "benefits.outpatient.deductible.visit.amount"
    assert needed["visit"] == "counters.paid"


def test_a_personal_fact_that_is_missing_is_refused_with_what_asks_for_it(tmp_path: Path) -> None:
    found = scan(population(tmp_path / "p.parquet", [bill()]))
    with pytest.raises(PopulationError, match=r"identities: .*deductible\.visit\.amount"):
        compare(found, law_by_poverty(), law_by_poverty(), today=TODAY, workers=1)


def test_a_fact_of_the_visit_that_is_missing_is_taken_as_usual_and_told(tmp_path: Path) -> None:
    found = scan(population(tmp_path / "p.parquet", [bill(identities="2303")]))
    result = compare(found, law_by_poverty(), law_by_poverty(), today=TODAY, workers=1)
    assert result.assumed == ("visit = a visit of its own",)


def test_line_rules_are_the_same_when_every_value_is() -> None:
    assert same_line_rules(small_law(), small_law("0.9"))
    assert same_line_rules(small_law(lines=Decimal("0.1")), small_law("0.9", lines=Decimal("0.1")))
    assert not same_line_rules(small_law(), small_law(lines=Decimal("0.1")))
    assert not same_line_rules(small_law(lines=Decimal("0.2")), small_law(lines=Decimal("0.1")))


def test_a_payer_that_is_no_longer_there_needs_nothing() -> None:
    content = document({"pool": payer(Decimal("0.7"))})
    assert set(columns_needed(law_of(content))) == {"entitlement", "pharmacy", "hospital"}
