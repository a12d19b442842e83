"""``yibao backup`` and ``yibao restore`` as they are typed: what is wrong is said in a sentence."""

import json
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner

from tests.conftest import in_thread
from yibao.cli.main import cli
from yibao.platform.backup.record import last_backup
from yibao.platform.backup.sealing import Passphrase, SealedWriter
from yibao.platform.migrations import head

PHRASE = "correct horse battery staple"


@pytest.fixture
def phrase(tmp_path: Path) -> Path:
    file = tmp_path / "passphrase"
    file.write_text(f"{PHRASE}\n")
    return file


def typed(*words: object, **environment: str) -> tuple[int, str, str]:
    """Exit code, output and errors of a command."""
    answer = CliRunner().invoke(cli, [str(word) for word in words], env=environment)
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
    return answer.exit_code, answer.stdout, answer.stderr


@pytest.mark.database
def test_there_and_back(dsn: str, empty_dsn: str, tmp_path: Path, phrase: Path) -> None:
    file = tmp_path / "b"
    given = ("--data", tmp_path / "data", "--passphrase-file", phrase)
    code, _, errors = typed("backup", file, *given, DATABASE_URL=dsn)
    assert code == 0, errors
    taken = last_backup(tmp_path / "data")
    assert taken is not None
    code, told, errors = typed("restore", file, *given, "--json", DATABASE_URL=empty_dsn)
    assert code == 0, errors
    assert json.loads(told)["faults"] == []
    assert json.loads(told)["taken_at"] == taken.isoformat()
    code, _, errors = typed("restore", file, *given, DATABASE_URL=empty_dsn)
    assert code == 1
    assert "not empty" in errors


@pytest.mark.database
def test_books_that_were_wrong_already_are_told(
    dsn: str, empty_dsn: str, tmp_path: Path, phrase: Path
) -> None:
    in_thread(_unbalance(dsn))
    file = tmp_path / "b"
    given = ("--data", tmp_path / "data", "--passphrase-file", phrase)
    assert typed("backup", file, *given, DATABASE_URL=dsn)[0] == 0
    code, told, _ = typed("restore", file, *given, "--json", DATABASE_URL=empty_dsn)
    assert code == 1
    assert json.loads(told)["faults"]


async def _unbalance(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        """INSERT INTO ledger.entry (pool, posting, line, account, amount, posted_on)
           VALUES ('110000', 1, 1, 'fund:310100', 100, '2026-05-01')"""
    )
    await connection.close()


def test_what_is_no_backup_is_said_and_no_folder_made(tmp_path: Path, phrase: Path) -> None:
    (tmp_path / "b").write_bytes(b"PK\x03\x04 something else")
    where = ("--data", tmp_path / "new", "--passphrase-file", phrase)
    code, _, errors = typed("restore", tmp_path / "b", *where)
    assert code == 1
    assert "is no backup" in errors
    assert not (tmp_path / "new").exists()


@pytest.mark.thorough
def test_a_damaged_backup_is_said_and_no_folder_made(tmp_path: Path, phrase: Path) -> None:
    file = tmp_path / "b"
    with file.open("wb") as opened:
        sealed = SealedWriter(opened, Passphrase(PHRASE), "1.0", head(), datetime.now(UTC))
        sealed.write(b"T" * 100)
        sealed.close()
    whole = bytearray(file.read_bytes())
    whole[-1] ^= 1
    file.write_bytes(whole)
    where = ("--data", tmp_path / "new", "--passphrase-file", phrase)
    code, _, errors = typed("restore", file, *where)
    assert code == 1
    assert "damaged" in errors
    assert not (tmp_path / "new").exists()


def test_a_folder_that_has_a_database_is_left_alone(tmp_path: Path, phrase: Path) -> None:
    file = tmp_path / "b"
    with file.open("wb") as opened:
        SealedWriter(opened, Passphrase(PHRASE), "1.0", head(), datetime.now(UTC)).close()
    kept = tmp_path / "old" / "postgres" / "cluster"
    kept.mkdir(parents=True)
    code, _, errors = typed(
        "restore", file, "--data", tmp_path / "old", "--passphrase-file", phrase
    )
    assert code == 1
    assert "exists already" in errors
    assert kept.exists()


def test_a_passphrase_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    code, _, errors = typed(
        "backup", tmp_path / "b", "--data", tmp_path, "--passphrase-file", tmp_path / "none"
    )
    assert code == 1
    assert "cannot be read" in errors
    assert "Traceback" not in errors
