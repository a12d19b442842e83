"""A machine without room is told so before anything starts; others' share is told apart."""

from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.machine import Needs, NoRoom, Usage, check_room, file_system, machine, named_machine
from benchmarks.stand import served

MUCH = 1 << 60


def test_a_machine_that_has_both_is_let_through(tmp_path: Path) -> None:
    check_room(Needs(disk=1, memory=1), tmp_path)


def test_a_lack_of_disk_names_the_folder_what_is_needed_and_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(NoRoom, match=rf"1073741824\.0 GiB of disk in {tmp_path}.*are free"):
        check_room(Needs(disk=MUCH, memory=1), tmp_path)


def test_a_lack_of_memory_is_told_with_the_disks(tmp_path: Path) -> None:
    with pytest.raises(NoRoom, match=r"of disk.*and .*of memory"):
        check_room(Needs(disk=MUCH, memory=MUCH), tmp_path)


def test_nothing_is_started_where_there_is_no_room(tmp_path: Path) -> None:
    with pytest.raises(NoRoom), served(Console(quiet=True), 1e12, data=tmp_path):
        pytest.fail("it started")
    assert list(tmp_path.iterdir()) == []


def test_a_figure_tells_how_quick_the_cores_were_that_day() -> None:
    assert machine()["sm2_signatures"] > 0
    assert "SM2 signatures a second" in named_machine()


def test_a_longer_load_needs_more_disk() -> None:
    assert Needs.of_load(600).disk > Needs.of_load(60).disk


def test_what_others_used_is_what_was_busy_beside_ours() -> None:
    first, last = Usage(at=100.0, busy=50.0, stolen=1.0), Usage(at=110.0, busy=65.0, stolen=2.0)
    assert first.until(last, ours=12.0) == {"ours": 1.2, "others": 0.3, "stolen": 0.1}


def test_a_file_system_is_named(tmp_path: Path) -> None:
    assert file_system(tmp_path) != "unknown"
    assert file_system(Path("/dev/shm")) == "tmpfs"
