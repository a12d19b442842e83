"""The plan shares out people and desks so that nobody is at two places."""

import argparse
from typing import Any

import pytest

from benchmarks.load import is_kept, positive
from benchmarks.machine import CannotMeasure
from benchmarks.messages import BASKET, JOURNEYS, LINES, UPLOADS, Paper
from benchmarks.plan import PREPARED, _people, _share_out, windows

ITEMS = [
    {"med_list_codg": f"{'X' if n % 2 else 'S'}{n:04d}", "pric": f"{n}.50"} for n in range(1, 31)
]
PAPER = Paper(ITEMS, "2026-11-20 09:00:00")


def found(count: int) -> dict[str, list[dict[str, str]]]:
    """So many people of one pool, every second one in two schemes."""
    rows = [
        {
            "pool": "110000",
            "psn_no": f"P{n}",
            "certno": f"C{n}",
            "insutype": scheme,
            "insuplc_admdvs": "110000",
        }
        for n in range(count)
        for scheme in (("310", "390") if n % 2 else ("310",))
    ]
    return {"persons": rows}


def desks(count: int, *, begins: bool = False) -> list[dict[str, Any]]:
    """Desks with one journey."""
    return [{"journeys": {"visit": {"begin": [1] if begins else []}}, "patients": {}}
            for _ in range(count)]  # fmt: skip


def test_everybody_comes_for_one_thing_only() -> None:
    people = _people(found(30), ["110000"], ["visit", "stay", "query"])
    everybody = [row["psn_no"] for rows in people.values() for row in rows]
    assert len(everybody) == len(set(everybody)) == 30
    assert {len(rows) for rows in people.values()} == {10}


def test_nobody_is_at_two_desks() -> None:
    people = _people(found(30), ["110000"], ["visit"])["110000", "visit"]
    made = desks(4)
    _share_out(people, made, "visit")
    numbers = [one["psn"] for desk in made for one in desk["patients"]["visit"]]
    assert sorted(numbers) == sorted(row["psn_no"] for row in people)


def test_few_are_prepared_for_what_goes_over_them_again_and_again() -> None:
    people = _people(found(30), ["110000"], ["visit"])["110000", "visit"]
    made = desks(2, begins=True)
    _share_out(people, made, "visit")
    assert [len(desk["patients"]["visit"]) for desk in made] == [PREPARED, PREPARED]


def test_too_many_desks_are_refused_with_what_to_do() -> None:
    people = _people(found(3), ["110000"], ["visit"])["110000", "visit"]
    with pytest.raises(CannotMeasure, match=r"3 people .* 4 desks: take fewer --connections"):
        _share_out(people, desks(4), "visit")


def test_journeys_have_the_lines_that_they_are_said_to_have() -> None:
    made = {name: journey(PAPER) for name, journey in JOURNEYS.items()}
    lines = {
        message.template: len(message.content.get("feedetail", message.content.get("drugdetail")))
        for journey in made.values()
        for message in (*journey.begin, *journey.steps)
        if message.number in {"2204", "2301", "2102"}
    }
    assert lines.pop("2204") == LINES
    assert lines.pop("2102") == BASKET
    assert list(lines.values()) == [LINES] * UPLOADS


def test_a_purchase_is_of_drugs_and_its_total_is_theirs() -> None:
    basket = JOURNEYS["purchase"](PAPER).steps[1].content
    codes = [line["med_list_codg"] for line in basket["drugdetail"]]
    assert codes == ["X0001", "X0003", "X0005"]
    assert basket["druginfo"]["medfee_sumamt"] == "10.50"


def test_windows_have_rates_only_when_a_rate_was_asked_for() -> None:
    asked = {"warm_up": 5, "seconds": 40, "journey": "visit"}
    closed = windows(argparse.Namespace(**asked, rate=None))
    opened = windows(argparse.Namespace(**asked, rate=200.0))
    assert all("rates" not in window for window in closed)
    assert [window["rates"] for window in opened] == [{"visit": 200.0}] * 2


def test_a_rate_is_kept_when_nothing_heaps_up() -> None:
    assert is_kept(8_000, 7_960)
    assert is_kept(76, 75)
    assert not is_kept(8_000, 7_800)


@pytest.mark.parametrize("rate", ["0", "-1", "many"])
def test_a_rate_is_above_nothing(rate: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - argparse tells it by the option's name
        positive(rate)
