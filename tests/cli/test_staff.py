"""``yibao staff``: practitioners from a file, and their list."""

from pathlib import Path

import pytest

from tests.cli.releasing import Office
from tests.settlement.builders import TERTIARY, lay_out
from yibao.platform.crypto import Vault
from yibao.platform.database import Database

HEADER = "code,kind,name,document_type,document_number,begin,end,contracted\n"
DOCTOR = "D110000000001,1,测试医师,01,990101197001010001,2020-01-01,,1\n"


@pytest.fixture
async def office(tmp_path: Path, dsn: str, database: Database) -> Office:
    """An office on a database with institutions."""
    from tests.registry.builders import instant

    await lay_out(database, Vault(b"k" * 32), instant(1))
    return Office(tmp_path, dsn)


async def test_a_file_is_entered_once_and_listed(office: Office) -> None:
    file = office.write("staff.csv", HEADER + DOCTOR)
    done = await office.run("staff", "import", TERTIARY, file)
    assert done.returncode == 0, done.stderr
    assert "1 records" in done.stdout
    assert "0 records" in (await office.run("staff", "import", TERTIARY, file)).stdout
    (row,) = await office.answer("staff", "list", TERTIARY)
    assert row == {
        "code": "D110000000001",
        "kind": "1",
        "name": "测试医师",
        "begin": "2020-01-01",
        "end": None,
        "contracted": True,
    }
    assert "测试医师" in (await office.run("staff", "list", TERTIARY)).stdout


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("code,kind\n", "missing"),
        (HEADER.replace("contracted", "salary"), "salary"),
        (HEADER + DOCTOR.replace(",1,", ",9,", 1), "line 2"),
        (HEADER + DOCTOR + DOCTOR.replace("2020-01-01", "2020-02-30"), "line 3"),
        (HEADER + DOCTOR.replace("测试医师", " "), "name is empty"),
        (HEADER + DOCTOR.replace("01,,1", "01,2019-01-01,1"), "end is not after begin"),
    ],
)
async def test_a_faulty_file_is_told_by_line(office: Office, text: str, word: str) -> None:
    done = await office.run("staff", "import", TERTIARY, office.write("staff.csv", text))
    assert done.returncode == 2
    assert word in done.stderr
    assert await office.answer("staff", "list", TERTIARY) == []


async def test_an_unknown_institution_is_refused(office: Office) -> None:
    file = office.write("staff.csv", HEADER + DOCTOR)
    done = await office.run("staff", "import", "H99999999999", file)
    assert done.returncode == 1
    assert "H99999999999" in done.stderr
