"""``yibao law`` as a stranger uses it: files in a folder, what is printed, exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from yibao.cli.main import cli

LAW = """
benefit_year = "01-01"
unpaid_care_kinds = ["41"]
account.may_pay = ["deductible", "co_pay"]
account.parts = ["current"]

[law]
area = "990100"
scheme = "390"
title = "示例市城乡居民基本医疗保险"

[sources]
L1 = { title = "a leaflet", url = "none" }

[defaults]
from = 2025-01-01
source = ["L1"]
confidence = "page"

[counters.stay_deductible]
scope = "visit"
counts = "deductible"

[counters.pool_paid]
scope = "year"
counts = "fund"
payers = ["pool"]

[benefits.inpatient]
title = "住院"
care_kinds = ["21"]
places = ["l1", "l2", "l3"]
payer_order = ["pool"]

[benefits.inpatient.deductible.visit]
counter = "stay_deductible"
amount = { by = ["level"], value = { l1 = 200, l2 = 500, l3 = 900 } }

[benefits.inpatient.payers.pool]
title = "统筹基金"
english = "The pooled fund"
reported_as = { fund = "390100", amount_field = "hifp" }
bands = { by = ["level"], value = { l1 = 0.85, l2 = 0.75, l3 = 0.65 } }
caps.year = { counter = "pool_paid", amount = 150000 }
"""

BILL = """
day = 2025-06-01
care_kind = "21"
level = "l3"
[sums]
in_scope = 12000
"""


def yibao(*arguments: Any) -> Result:
    """The command, run in this process."""
    return CliRunner().invoke(cli, ["law", *map(str, arguments)], env={"COLUMNS": "200"})


@pytest.fixture
def law(tmp_path: Path) -> Path:
    """A law file of an imaginary city."""
    return written(tmp_path / "mine.toml", LAW)


@pytest.fixture
def bill(tmp_path: Path) -> Path:
    """A bill file."""
    return written(tmp_path / "bill.toml", BILL)


def written(path: Path, text: str) -> Path:
    """A file with this text."""
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text, encoding="utf-8")
    return path


# ------------------------------------------------------------------------------------------ check


def test_the_packaged_laws_are_in_order() -> None:
    result = yibao("check", "--json")
    laws = json.loads(result.stdout)["laws"]
    assert result.exit_code == 0
    assert {one["area"] for one in laws} >= {"110000", "430000", "430100"}
    assert all(one["ok"] and len(one["fingerprint"]) == 64 for one in laws)


def test_a_law_in_order_shows_its_fingerprint(law: Path) -> None:
    result = yibao("check", law)
    assert result.exit_code == 0
    assert "990100/390 示例市城乡居民基本医疗保险" in result.stdout


def test_a_wrong_law_names_file_key_and_reason(tmp_path: Path) -> None:
    wrong = written(tmp_path / "wrong.toml", LAW.replace("payer_order", "payer_ordr"))
    result = yibao("check", wrong)
    assert result.exit_code == 1
    assert "wrong.toml: benefits.inpatient.payer_ordr: unknown key" in result.stdout
    assert json.loads(yibao("check", wrong, "--json").stdout)["laws"][0]["error"]["key"]


def test_a_folder_is_checked_law_by_law(tmp_path: Path) -> None:
    written(tmp_path / "laws/990100/resident.toml", LAW)
    written(tmp_path / "laws/990200/resident.toml", LAW)  # another area's folder
    result = yibao("check", tmp_path / "laws")
    assert result.exit_code == 1
    assert "990200/resident.toml" in result.stdout


def test_a_law_may_inherit_from_its_neighbour_and_from_a_folder(tmp_path: Path, law: Path) -> None:
    heir = LAW[: LAW.index("[counters.stay")].replace("990100", "990101")
    heir = heir.replace('title = "示例', 'inherits = "990100"\ntitle = "示例')
    beside = written(tmp_path / "heir.toml", heir)
    elsewhere = written(tmp_path / "other/heir.toml", heir)
    written(tmp_path / "laws/990100/resident.toml", LAW)
    assert yibao("check", beside).exit_code == 0
    assert "no law of area 990100" in yibao("check", elsewhere).stdout
    assert yibao("check", elsewhere, "--laws", tmp_path / "laws").exit_code == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("area = 99\n", "law: missing"),
        ("[law\n", "not valid TOML"),
        ("x = 2025-02-30\n", "not valid TOML"),
        ("", "law: missing"),
    ],
)
def test_what_is_no_law_is_told_without_a_traceback(tmp_path: Path, text: str, told: str) -> None:
    result = yibao("check", written(tmp_path / "odd.toml", text))
    assert (result.exit_code, told in result.stdout) == (1, True), result.stdout
    assert "Traceback" not in result.output


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    result = yibao("check", tmp_path / "none.toml")
    assert result.exit_code == 1
    assert "No such file" in result.stdout


# ----------------------------------------------------------------------------------- show and diff


def test_a_law_is_shown_as_it_stands_on_a_day(law: Path) -> None:
    result = yibao("show", law, "--on", "2025-06-01")
    assert result.exit_code == 0
    assert "payers.pool.caps.year.amount  150,000  from 2025-01-01 (1 page)" in result.stdout
    assert "1  a leaflet <none>" in result.stdout


def test_a_shown_benefit_has_its_names(law: Path) -> None:
    assert "benefits.inpatient  住院" in yibao("show", law, "--on", "2025-06-01").stdout


def test_a_value_that_is_not_known_is_shown_as_such(law: Path) -> None:
    assert "not known" in yibao("show", law, "--on", "2024-12-31").stdout


@pytest.mark.thorough
def test_an_area_is_shown_with_all_its_laws() -> None:
    shown = json.loads(yibao("show", "430181", "--on", "2025-06-01", "--json").stdout)["laws"]
    assert [(one["area"], one["scheme"]) for one in shown] == [("430100", "310"), ("430100", "390")]
    assert shown[0]["parameters"][0]["sources"]


@pytest.mark.thorough
def test_two_laws_are_compared(tmp_path: Path, law: Path) -> None:
    after = written(tmp_path / "after.toml", LAW.replace("l3 = 0.65", "l3 = 0.70"))
    (found,) = json.loads(yibao("diff", law, after, "--json").stdout)["differences"]
    assert found == {
        "path": "benefits.inpatient.payers.pool.bands",
        "case": "l3",
        "from": "2025-01-01",
        "before": "65%",
        "after": "70%",
    }
    assert "65%" in yibao("diff", law, after, "--on", "2025-06-01").stdout
    assert "do not differ" in yibao("diff", law, law).stdout


@pytest.mark.thorough
def test_an_unknown_area_proposes_the_near_one() -> None:
    result = yibao("show", "43010/390")
    assert result.exit_code == 1
    assert "did you mean 430100/390?" in result.stderr
    assert "did you mean 110000?" in yibao("show", "11000").stderr
    result = yibao("show", "430100/391")
    assert result.exit_code == 1
    assert "the area has 430100/310 and 430100/390" in result.stderr


def test_an_unknown_area_is_told_to_programs_too() -> None:
    answer = json.loads(yibao("show", "430100/391", "--json").stdout)
    assert answer["error"]["file"] == "430100/391"


# ----------------------------------------------------------------------------------------- explain


def test_a_bill_is_explained_with_every_step_and_source(law: Path, bill: Path) -> None:
    result = yibao("explain", "--law", law, "--bill", bill, "--language", "en")
    assert result.exit_code == 0
    assert "The pooled fund pays 7215.00 yuan" in result.stdout
    assert "benefits.inpatient.payers.pool.bands.l3 (a leaflet <none> [page])" in result.stdout
    assert "统筹基金" in yibao("explain", "--law", law, "--bill", bill).stdout


def test_the_auditor_sees_numbers_and_counters(law: Path, bill: Path) -> None:
    told = yibao("explain", "--law", law, "--bill", bill, "--auditor").stdout
    assert "pool_paid@2025 +7215.00" in told


def test_programs_get_figures_payments_counters_and_steps(law: Path, bill: Path) -> None:
    answer = json.loads(yibao("explain", "--law", law, "--bill", bill, "--json").stdout)
    (one,) = answer["bills"]
    assert answer["law"]["area"] == "990100"
    assert one["figures"]["funds"] == "7215.00"
    assert one["figures"]["cash"] == "4785.00"
    assert one["payments"][0]["payer"] == "benefits.inpatient.payers.pool"
    assert one["counters"]["pool_paid@2025"] == {"before": "0.00", "after": "7215.00"}
    assert {step["name"] for step in one["steps"]} >= {"deductible", "band", "payer", "cash"}


def test_bills_of_a_file_are_settled_one_after_the_other(tmp_path: Path, law: Path) -> None:
    one = '[[bill]]\nday = 2025-06-01\ncare_kind = "21"\nvisit = "v1"\nsums.in_scope = 12000\n'
    bills = written(tmp_path / "bills.toml", one + one)
    answer = json.loads(yibao("explain", "--law", law, "--bill", bills, "--json").stdout)
    deductibles = [bill["figures"]["deductible"] for bill in answer["bills"]]
    assert deductibles == ["900.00", "0.00"]


def test_counters_before_the_bill_come_from_a_file(tmp_path: Path, law: Path, bill: Path) -> None:
    history = written(tmp_path / "history.json", '{"pool_paid": 149000}')
    given = ("--law", law, "--bill", bill, "--history", history, "--json")
    answer = json.loads(yibao("explain", *given).stdout)
    assert answer["bills"][0]["figures"]["funds"] == "1000.00"


def test_a_division_has_its_citys_law_and_the_bill_says_the_scheme(tmp_path: Path) -> None:
    told = '{"scheme": "390", "day": "2025-06-01", "level": "grass", "sums": {"in_scope": 100}}'
    bill = written(tmp_path / "bill.json", told)
    answer = json.loads(yibao("explain", "--law", "430181", "--bill", bill, "--json").stdout)
    assert (answer["law"]["area"], answer["bills"][0]["figures"]["funds"]) == ("430100", "70.00")


def test_a_refused_bill_prints_the_missing_parameter_and_the_day(
    tmp_path: Path, law: Path, bill: Path
) -> None:
    written(bill, BILL.replace("l3", "prov"))
    early = written(tmp_path / "early.toml", BILL.replace("2025-06-01", "2024-06-01"))
    assert json.loads(yibao("explain", "--law", law, "--bill", bill, "--json").stdout)["bills"]
    result = yibao("explain", "--law", law, "--bill", early)
    assert result.exit_code == 1
    assert "PARAMETER_MISSING" in result.stderr
    assert "parameter benefits.inpatient.care_kinds, day 2024-06-01" in result.stderr
    refused = json.loads(yibao("explain", "--law", law, "--bill", early, "--json").stdout)[
        "refused"
    ]
    assert (refused["parameter"], refused["day"]) == ("benefits.inpatient.care_kinds", "2024-06-01")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("day = 2025-06-01\n", "sums: give the parts in [sums] or the fee lines"),
        ("dya = 2025-06-01\nsums.in_scope = 1\n", "day: missing (or one of"),
        ("day = 2025-06-01\nsums.in_scope = 1.005\n", "sums.in_scope: 1.005 has more than 2 deci"),
        ("day = 2025-06-31\n", "not valid TOML"),
        ("day = 2025-06-01\nhistory.pol_paid = 1\nsums.own = 1\n", "(did you mean 'pool_paid'?)"),
    ],
)
def test_a_wrong_bill_names_file_key_and_reason(
    tmp_path: Path, law: Path, text: str, told: str
) -> None:
    wrong = written(tmp_path / "wrong.toml", text)
    result = yibao("explain", "--law", law, "--bill", wrong)
    assert result.exit_code == 1
    assert "wrong.toml: " in result.stderr
    assert told in result.stderr
    assert "Traceback" not in result.output


# ------------------------------------------------------------------------------------------- cases


@pytest.mark.thorough
def test_the_packaged_cases_come_out() -> None:
    result = yibao("cases", "--json")
    cases = json.loads(result.stdout)["cases"]
    assert result.exit_code == 0
    assert len(cases) >= 42
    assert {tuple(case) for case in cases} == {
        ("id", "ok", "expected", "got", "difference", "slip")
    }


def test_cases_beside_a_law_file_run_by_it(tmp_path: Path, law: Path) -> None:
    cases = written(
        tmp_path / "cases.toml",
        """
        [[case]]
        id = "M1"
        law = "mine.toml"
        bill = { day = 2025-06-01, care_kind = "21", level = "l1", sums.in_scope = 12000 }
        expected = { funds = 10030 }
        """,
    )
    result = yibao("cases", cases)
    assert result.exit_code == 0
    assert "1 of 1 cases come out to the cent" in result.stdout
    written(cases, cases.read_text(encoding="utf-8").replace("10030", "10031"))
    result = yibao("cases", cases)
    assert result.exit_code == 1
    assert "-1.00" in result.stdout


def test_a_case_file_that_is_none_is_told(tmp_path: Path, law: Path) -> None:
    result = yibao("cases", law)
    assert result.exit_code == 1
    assert "case: missing" in result.stderr


@pytest.mark.thorough
def test_a_case_is_explained_step_by_step() -> None:
    result = yibao("cases", "--explain", "A10", "--language", "en")
    assert result.exit_code == 0
    assert "The cap for the benefit year is 100000.00 yuan; 8240.49 was used" in result.stdout
    assert "1 of 1 cases" in result.stdout
    assert "did you mean 'A10'" in yibao("cases", "--explain", "A100").stderr


def test_a_case_whose_law_cannot_be_read_leaves_the_others_running(
    tmp_path: Path, law: Path
) -> None:
    a_case = """
        [[case]]
        id = "{0}"
        law = "{1}"
        bill = {{ day = 2025-06-01, care_kind = "21", level = "l1", sums.in_scope = 12000 }}
        expected = {{ funds = 10030 }}
        """
    text = a_case.format("lost", "lost.toml") + a_case.format("kept", law.name)
    result = yibao("cases", written(tmp_path / "cases.toml", text), "--json")
    lost, kept = json.loads(result.stdout)["cases"]
    assert "cannot be read" in lost["got"]["error"]
    assert kept["ok"]


def test_a_pipe_gets_the_names_of_figures_unfolded(tmp_path: Path, law: Path) -> None:
    figure = "payers.pool.deductible"
    text = f"""
        [[case]]
        id = "a-case-with-a-name-that-leaves-no-room"
        law = "{law.name}"
        bill = {{ day = 2020-06-01, care_kind = "21", level = "l1", sums.in_scope = 12000 }}
        expected = {{ refused = "benefits.inpatient.care_kinds", "{figure}" = 0 }}
        """
    cases = written(tmp_path / "cases.toml", text)
    narrow = {"COLUMNS": "60"}
    result = CliRunner().invoke(cli, ["law", "cases", str(cases)], env=narrow)
    assert figure in result.stdout


# ------------------------------------------------------------------------------------------ errors


@pytest.mark.parametrize("lost", ["lost.toml", "."])
def test_a_file_that_cannot_be_read_is_json_for_programs(
    tmp_path: Path, law: Path, lost: str
) -> None:
    result = yibao("explain", "--law", law, "--bill", tmp_path / lost, "--json")
    assert result.exit_code == 1
    error = json.loads(result.stdout)["error"]
    assert error["file"] == str(tmp_path / lost)
    assert error["reason"].startswith("cannot be read: ")


def test_a_folder_of_laws_that_is_none_is_refused(tmp_path: Path) -> None:
    result = yibao("show", "110000/310", "--laws", tmp_path / "lost")
    assert result.exit_code == 1
    assert "is no folder" in result.stderr


def test_half_a_character_is_no_text(tmp_path: Path, law: Path) -> None:
    bill = written(tmp_path / "bill.json", '{"day": "2025-06-01", "\\ud800": 1}')
    result = yibao("explain", "--law", law, "--bill", bill, "--json")
    assert result.exit_code == 1
    assert "not valid JSON" in json.loads(result.stdout)["error"]["reason"]
