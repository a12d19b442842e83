"""``yibao law activate``, ``releases``, ``rollback``: checked, proposed, released by another."""

from pathlib import Path

import pytest

from tests.cli.releasing import CASES, Office
from tests.settlement.laws import law_text


@pytest.fixture
def office(tmp_path: Path, dsn: str) -> Office:
    """A policy office on a fresh database."""
    return Office(tmp_path, dsn)


async def test_two_persons_let_a_law_count(office: Office) -> None:
    number = await office.propose()
    refused = await office.release(number, by="li")
    assert refused.returncode == 1
    assert "另一人" in refused.stderr
    done = await office.release(number)
    assert done.returncode == 0, done.stderr
    (release,) = (await office.answer("law", "releases"))["releases"]
    assert (release["state"], release["proposed_by"], release["released_by"]) == (
        "released", "Li", "Wang",
    )  # fmt: skip
    assert (release["area"], release["scheme"], release["cases"]) == ("110000", "310", 1)
    assert release["effective_from"] == "2026-07-01"


async def test_a_retroactive_law_says_how_to_list_what_it_touches(office: Office) -> None:
    number = await office.propose("2020-01-01")
    done = await office.release(number)
    assert f"yibao affected --release {number}" in done.stdout
    later = await office.propose("2999-01-01")
    assert "yibao affected" not in (await office.release(later)).stdout


async def test_a_rollback_withdraws_with_its_reason(office: Office) -> None:
    number = await office.propose()
    await office.release(number)
    done = await office.run("law", "rollback", number, "--by", "Zhao", "--reason", "wrong cap")
    assert done.returncode == 0, done.stderr
    (release,) = (await office.answer("law", "releases"))["releases"]
    assert (release["state"], release["withdrawn_by"]) == ("withdrawn", "Zhao")
    assert release["withdrawn_because"] == "wrong cap"


@pytest.mark.parametrize(
    ("cases", "told"),
    [
        (CASES % "79.99", "funds expected 79.99, got 80.00"),
        (CASES.replace("110000/310", "990000/310") % "80", "990000/310"),
        ("[[case]]\nid = 'x'\nlaw = '110000/310'\nbil = {}\n", "bil"),
    ],
)
async def test_a_law_whose_cases_do_not_come_out_is_not_proposed(
    office: Office, cases: str, told: str
) -> None:
    office.write("cases.toml", cases)
    done = await office.run(
        "law", "activate", office.new, "--cases", office.cases, "--from", "2026-07-01",
        "--by", "Li",
    )  # fmt: skip
    assert done.returncode == 1
    assert told in done.stderr
    assert (await office.answer("law", "releases"))["releases"] == []


async def test_a_law_without_a_case_of_its_own_is_not_proposed(office: Office) -> None:
    other = law_text().replace('"310"', '"320"')
    path = office.write("other.toml", other)
    done = await office.run(
        "law", "activate", office.new, path, "--cases", office.cases, "--from", "2026-07-01",
        "--by", "Li",
    )  # fmt: skip
    assert done.returncode == 1
    assert "no case is for 110000/320" in done.stderr


async def test_a_contradictory_law_is_told_by_file_and_key(office: Office) -> None:
    office.write("new.toml", law_text().replace('"0.5"', "1.5").replace("0.5", "1.5"))
    done = await office.run(
        "law", "activate", office.new, "--cases", office.cases, "--from", "2026-07-01",
        "--by", "Li",
    )  # fmt: skip
    assert done.returncode == 1
    assert "new.toml: benefits.outpatient.payers.pool.bands" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("law", "activate", "--by", "Li"), "say FILE, --cases and --from"),
        (("law", "activate", "--release", 7, "--by", "Li"), "没有编号为 7 的发布"),
        (("law", "rollback", 7, "--by", "Li", "--reason", "x"), "没有编号为 7 的发布"),
        (("explain", "110000"), "结算ID 110000 不存在"),
        (("explain", f"110000{1:019d}"), "不存在"),
        (("affected",), "say one of"),
        (("affected", "--law", "nowhere.toml"), "nowhere.toml"),
        (("affected", "--release", 7), "没有编号为 7 的发布"),
    ],
)
async def test_what_cannot_be_is_told_with_its_reason(
    office: Office, arguments: tuple[object, ...], told: str
) -> None:
    done = await office.run(*arguments)
    assert done.returncode in (1, 2)
    assert told in done.stderr


async def test_a_database_that_was_not_migrated_is_told(tmp_path: Path, empty_dsn: str) -> None:
    done = await Office(tmp_path, empty_dsn).run("law", "releases")
    assert done.returncode == 1
    assert "yibao migrate" in done.stderr
