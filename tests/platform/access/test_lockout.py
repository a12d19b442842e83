"""Who fails to prove itself waits ever longer; who is named by it does not."""

from pathlib import Path

import pytest

from yibao.platform.access.lockout import FREE_FAILURES, LONGEST_PAUSE, Lockout

HOSPITAL, ITS_ADDRESS, ELSEWHERE = "account-1", "192.0.2.1", "198.51.100.7"


class Clock:
    """Seconds that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def failing(lockout: Lockout, times: int, address: str = ELSEWHERE) -> None:
    """Fail so many times in a row."""
    for _ in range(times):
        lockout.failed(HOSPITAL, address)


def test_some_mistakes_are_free() -> None:
    lockout = Lockout(Clock())
    failing(lockout, FREE_FAILURES - 1)
    assert lockout.pause(HOSPITAL, ELSEWHERE) == 0


def test_pauses_grow_and_end() -> None:
    clock = Clock()
    lockout = Lockout(clock)
    failing(lockout, FREE_FAILURES)
    assert lockout.pause(HOSPITAL, ELSEWHERE) == 1
    clock.now += 1
    assert lockout.pause(HOSPITAL, ELSEWHERE) == 0
    failing(lockout, 1)
    assert lockout.pause(HOSPITAL, ELSEWHERE) == 2
    failing(lockout, 100)
    assert lockout.pause(HOSPITAL, ELSEWHERE) == LONGEST_PAUSE


def test_the_hospital_that_is_named_is_not_locked_out() -> None:
    lockout = Lockout(Clock())
    failing(lockout, 1000)
    assert lockout.pause(HOSPITAL, ITS_ADDRESS) == 0
    assert lockout.pause("account-2", ELSEWHERE) == 0


def test_a_right_proof_forgets_what_failed() -> None:
    lockout = Lockout(Clock())
    failing(lockout, FREE_FAILURES - 1)
    lockout.proved(HOSPITAL, ELSEWHERE)
    failing(lockout, FREE_FAILURES - 1)
    assert lockout.pause(HOSPITAL, ELSEWHERE) == 0


def test_old_failures_are_forgotten() -> None:
    clock = Clock()
    lockout = Lockout(clock)
    failing(lockout, FREE_FAILURES - 1)
    clock.now += 3601
    failing(lockout, 1)
    assert lockout.pause(HOSPITAL, ELSEWHERE) == 0


def test_where_people_try_out_signing_nothing_ever_pauses() -> None:
    lockout = Lockout(lambda: 0.0, free=None)
    for _ in range(100):
        lockout.failed("account", "address")
    assert lockout.pause("account", "address") == 0


def test_processes_of_a_server_count_together(tmp_path: Path) -> None:
    clock, shared = Clock(), tmp_path / "run/lockouts"
    one, other = Lockout(clock, path=shared), Lockout(clock, path=shared)
    failing(one, FREE_FAILURES - 1)
    failing(other, 1)
    assert one.pause(HOSPITAL, ELSEWHERE) == other.pause(HOSPITAL, ELSEWHERE) == 1
    assert one.under_way() == other.under_way() == 1
    other.proved(HOSPITAL, ELSEWHERE)
    failing(one, FREE_FAILURES - 1)
    assert one.pause(HOSPITAL, ELSEWHERE) == 0


def test_what_is_under_way_ends_with_its_pause() -> None:
    clock = Clock()
    lockout = Lockout(clock)
    failing(lockout, FREE_FAILURES)
    failing(lockout, FREE_FAILURES, ITS_ADDRESS)
    failing(lockout, FREE_FAILURES - 1, "192.0.2.3")
    assert lockout.under_way() == 2
    clock.now += 1
    assert lockout.under_way() == 0


def test_a_clock_that_is_set_back_locks_nobody_out_for_longer() -> None:
    clock = Clock()
    clock.now = 1_000_000.0
    lockout = Lockout(clock)
    failing(lockout, 100)
    clock.now -= 86_400
    assert lockout.pause(HOSPITAL, ELSEWHERE) == 0
    assert lockout.under_way() == 0
    failing(lockout, 1)
    assert lockout.pause(HOSPITAL, ELSEWHERE) == 0, "it begins anew"


@pytest.mark.thorough
def test_whoever_tries_many_names_is_remembered_where_there_is_room() -> None:
    clock = Clock()
    lockout = Lockout(clock)
    for number in range(30_000):
        clock.now += 0.01
        lockout.failed(f"account-{number}", ELSEWHERE)
    failing(lockout, FREE_FAILURES)
    assert lockout.pause(HOSPITAL, ELSEWHERE) > 0
