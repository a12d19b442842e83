"""``yibao bureau``: clerks, kinds, and a proposal's life from the command line."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.bureau.builders import kind_for_tests
from tests.cli.releasing import Office
from tests.settlement.builders import POOL, Town
from tests.settlement.builders import town as laid_out
from yibao.platform.database import Database


@pytest.fixture(autouse=True)
def note() -> Iterator[str]:
    """A kind of business that only publishes a note."""
    with kind_for_tests() as name:
        yield name


@pytest.fixture
async def town(database: Database) -> AsyncIterator[Town]:
    """One pool."""
    async with laid_out(database) as built:
        yield built


@pytest.fixture
def office(tmp_path: Path, dsn: str) -> Office:
    """A bureau on the town's database."""
    return Office(tmp_path, dsn)


async def acting(office: Office, monkeypatch: pytest.MonkeyPatch, code: str) -> tuple[str, str]:
    """Enter a clerk and take his key in hand; what says who acts."""
    made = await office.answer("bureau", "clerk", "add", code, "测试经办")
    monkeypatch.setenv("YIBAO_CLERK_KEY", made["key"])
    return "--as", code


@pytest.mark.usefixtures("town")
async def test_one_proposes_and_another_approves(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await acting(office, monkeypatch, "W1")
    words = ("test.note", f"pool={POOL}", "word=好", "--reason", "测试")
    proposed = await office.answer("bureau", "propose", *words, *first)
    number = proposed["proposal"]
    assert proposed["content"] == {"pool": POOL, "word": "好"}
    own = await office.run("bureau", "approve", number, *first)
    assert own.returncode == 1
    assert "SECOND_CLERK_NEEDED" in own.stderr
    tried = await office.answer("bureau", "try", number, *first)
    assert tried["would_result"]["noted"] == "好"
    second = await acting(office, monkeypatch, "W2")
    (listed,) = (await office.answer("bureau", "list", *second))["proposals"]
    assert listed["proposal"] == number
    approved = await office.answer("bureau", "approve", number, *second)
    assert (approved["state"], approved["result"]["noted"]) == ("done", "好")
    again = await office.answer("bureau", "approve", number, *second)
    assert again == approved
    assert (await office.answer("bureau", "list", *second))["proposals"] == []
    assert "好" in (await office.run("bureau", "show", number, *second)).stdout


@pytest.mark.usefixtures("town")
async def test_faults_are_told_without_a_traceback(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_key = await office.run("bureau", "list", "--as", "W1")
    assert (no_key.returncode, "YIBAO_CLERK_KEY" in no_key.stderr) == (2, True)
    first = await acting(office, monkeypatch, "W1")
    stranger = await office.run("bureau", "list", "--as", "W9")
    assert stranger.returncode == 1
    for words, told in [
        (("propose", "test.note", "--reason", "x"), "必填"),
        (("propose", "no.such", "--reason", "x"), "bureau kinds"),
        (("propose", "test.nope", "--reason", "x"), "是否指 test.note？"),
        (("propose", "test.note", "word", "--reason", "x"), "name=value"),
        (("propose", "test.note", "word=@/no/such/file", "--reason", "x"), "/no/such/file"),
        (("approve", "12"), "19 digits"),
        (("show", f"{POOL}{7:019d}"), "PROPOSAL_UNKNOWN"),
    ]:
        ended = await office.run("bureau", *words, *first)
        assert ended.returncode in {1, 2}
        assert told in ended.stderr


@pytest.mark.usefixtures("town")
async def test_clerks_are_listed_without_keys_and_suspended(office: Office) -> None:
    made = await office.answer("bureau", "clerk", "add", "W1", "测试经办", "--pool", POOL)
    listed = await office.run("bureau", "clerk", "list", "--json")
    assert made["key"] not in listed.stdout
    assert "测试经办" in (await office.run("bureau", "clerk", "list")).stdout
    await office.answer("bureau", "clerk", "suspend", "W1")
    (clerk,) = (await office.answer("bureau", "clerk", "list"))["clerks"]
    assert clerk["suspended"]


async def test_kinds_are_shown_with_their_fields(office: Office) -> None:
    kinds = (await office.answer("bureau", "kinds"))["kinds"]
    assert "test.note" in {kind["name"] for kind in kinds}
    shown = (await office.run("bureau", "kinds", "test.note")).stdout
    assert "Yuan above zero: 12.30." in shown
    assert "test.note" in (await office.run("bureau", "kinds")).stdout
    near = (await office.run("bureau", "kinds", "accounts.let")).stderr
    assert "是否指 accounts.let_pay" in near
    assert "test.note" not in near


async def test_every_field_says_how_it_is_written(office: Office) -> None:
    kinds = (await office.answer("bureau", "kinds"))["kinds"]
    silent = [(kind["name"], one["name"]) for kind in kinds for one in kind["fields"]
              if not one["how"] or "``" in one["how"]]  # fmt: skip
    assert silent == []


@pytest.mark.usefixtures("town")
async def test_a_clerk_of_another_pool_reaches_nothing_by_any_command(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await acting(office, monkeypatch, "W1")
    words = ("test.note", f"pool={POOL}", "word=私", "--reason", "测试")
    number = (await office.answer("bureau", "propose", *words, *first))["proposal"]
    added = ("bureau", "clerk", "add", "W3", "测试经办", "--pool", "430100")
    monkeypatch.setenv("YIBAO_CLERK_KEY", (await office.answer(*added))["key"])
    elsewhere = ("--as", "W3")
    for pool in ((), ("--pool", POOL)):
        listed = await office.answer("bureau", "list", "--all", *pool, *elsewhere)
        assert listed["proposals"] == []
    for command in (
        ("show", number),
        ("try", number),
        ("approve", number),
        ("reject", number, "--remark", "不"),
        ("withdraw", number),
        ("propose", *words),
    ):
        answer = await office.run("bureau", *command, *elsewhere)
        assert answer.returncode == 1, command
        assert "私" not in answer.stdout + answer.stderr, command
