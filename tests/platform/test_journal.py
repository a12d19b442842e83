"""The journal: takes notes at once, keeps the newest, is read over processes."""

import stat
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from yibao.platform.journal import Journal, JournalReader, Note, Search


def noted(text: str) -> tuple[Note, bytes]:
    number, _, rest = text.partition(" ")
    code = 3001 if "refused" in rest else 0
    note = Note(
        datetime(2026, 7, 15, tzinfo=UTC), number, "H1", f"m-{rest}", code, "", rest, 0.01, ""
    )
    return note, text.encode()


def journal(path: Path, **limits: int) -> "Journal[str]":
    return Journal(path, noted, **limits)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def test_newest_notes_come_first_and_pages_go_back(path: Path) -> None:
    written = journal(path)
    for number in range(5):
        written.note(f"2201 call {number}")
    written.close()
    reader = JournalReader(path)
    first = reader.newest(Search(), 2)
    assert [kept.note.message for kept in first] == ["m-call 4", "m-call 3"]
    older = reader.newest(Search(), 2, before=first[-1].id)
    assert [kept.note.message for kept in older] == ["m-call 2", "m-call 1"]
    assert [kept.id for kept in reader.after(Search(), first[-1].id, 9)] == [first[0].id]
    found = reader.document(first[0].id)
    assert found is not None
    assert found[1] == b"2201 call 4"


def test_two_journals_on_one_file_are_read_together(path: Path) -> None:
    one, other = journal(path), journal(path)
    one.note("2201 of one")
    other.note("2207 of other")
    one.close()
    other.close()
    assert JournalReader(path).seen("transaction_number") == ["2201", "2207"]


def test_a_search_finds_by_number_outcome_and_text(path: Path) -> None:
    written = journal(path)
    for text in ("2201 fine", "2207 refused 测试甲", "2207 fine"):
        written.note(text)
    written.close()
    reader = JournalReader(path)

    def messages(**wanted: str) -> list[str]:
        return [kept.note.message for kept in reader.newest(Search(**wanted), 9)]

    assert messages(number="22") == ["m-fine", "m-refused 测试甲", "m-fine"]
    assert messages(number="2207", outcome="done") == ["m-fine"]
    assert messages(outcome="refused") == ["m-refused 测试甲"]
    assert messages(text="测试甲") == ["m-refused 测试甲"]
    assert messages(text="'; DROP TABLE note; --") == []
    assert messages(institution="H2") == []


def test_too_many_notes_are_dropped_and_counted(path: Path) -> None:
    written = journal(path, burst=3)
    for number in range(10):
        written.note(f"2201 call {number}")
    written.close()
    reader = JournalReader(path)
    kept = len(reader.newest(Search(), 99))
    assert 3 <= kept < 10
    assert reader.dropped() == 10 - kept


def test_after_a_burst_there_is_room_again(path: Path) -> None:
    written = journal(path, burst=2)
    for number in range(2):
        written.note(f"2201 burst {number}")
    deadline = time.monotonic() + 5
    reader = JournalReader(path)
    while not any(kept.note.message == "m-later" for kept in reader.newest(Search(), 99)):
        assert time.monotonic() < deadline
        written.note("2201 later")
        time.sleep(0.02)
    written.close()


def test_only_the_newest_notes_stay(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yibao.platform.journal._BEATS_BETWEEN_PRUNINGS", 1)
    written = journal(path, kept=2)
    for number in range(6):
        written.note(f"2201 call {number}")
    reader = JournalReader(path)
    deadline = time.monotonic() + 5
    while (found := reader.newest(Search(), 9)) == [] or len(found) > 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert [kept.note.message for kept in found] == ["m-call 5", "m-call 4"]
    written.close()


def test_an_odd_note_costs_no_other(path: Path) -> None:
    def describe(text: str) -> tuple[Note, bytes]:
        if text == "odd":
            raise ValueError(text)
        return noted(text)

    written: Journal[str] = Journal(path, describe)
    for text in ("2201 before", "odd", "2201 behind"):
        written.note(text)
    written.close()
    assert len(JournalReader(path).newest(Search(), 9)) == 2


def test_nobody_else_may_read_the_file(path: Path) -> None:
    written = journal(path)
    written.note("2201 secret")
    written.close()
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_a_program_that_reads_the_file_and_leaves_does_not_end_the_journal(path: Path) -> None:
    written, reader = journal(path), JournalReader(path)
    written.note("2201 before")
    wait_for(reader, 1)
    JournalReader(path)
    # the last one to leave a database takes its log away: it must not take itself for the last
    leaving = (
        "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT * FROM note').fetchall()"
    )
    subprocess.run([sys.executable, "-c", leaving, str(path)], check=True)
    written.note("2207 after")
    wait_for(reader, 2)
    written.close()


def wait_for(reader: JournalReader, count: int) -> None:
    until = time.monotonic() + 5
    while len(reader.newest(Search(), 9)) < count:
        assert time.monotonic() < until, "the note was not written"
        time.sleep(0.02)
