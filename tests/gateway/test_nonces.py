"""Nonces are used for one body, in every process."""

import subprocess
import sys
from pathlib import Path

from yibao.gateway.nonces import BUCKETS, Nonces


def test_a_nonce_is_used_for_one_body() -> None:
    nonces = Nonces()
    assert nonces.first_use("sender 1 a", b"one", 1)
    assert nonces.first_use("sender 1 a", b"one", 2), "the same message again is a lost reply"
    assert not nonces.first_use("sender 1 a", b"two", 2)
    assert nonces.first_use("sender 1 b", b"two", 2)


def test_processes_that_share_a_file_share_their_memory(tmp_path: Path) -> None:
    one, other = Nonces(tmp_path / "run/nonces"), Nonces(tmp_path / "run/nonces")
    assert one.first_use("n", b"one", 1)
    assert not other.first_use("n", b"two", 1)
    assert other.first_use("n", b"one", 1)


def test_the_oldest_of_a_full_bucket_gives_way() -> None:
    nonces = Nonces(buckets=1)
    for second in range(1, 10):  # the bucket holds eight
        assert nonces.first_use(f"n{second}", b"one", second)
    assert nonces.first_use("n1", b"two", 10), "the oldest was forgotten"
    assert not nonces.first_use("n9", b"two", 10)


def test_where_no_file_can_be_made_the_process_remembers_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    nonces = Nonces(tmp_path / "file" / "nonces")
    assert nonces.first_use("n", b"one", 1)
    assert not nonces.first_use("n", b"two", 1)


def test_the_memory_holds_half_an_hour_of_seventy_a_second() -> None:
    assert BUCKETS * 8 >= 70 * 1_800


_AT_THE_EDGE_OF_MEMORY = """
import mmap
from yibao.gateway.nonces import Nonces
behind = mmap.mmap(-1, mmap.PAGESIZE)
nonces = [Nonces(buckets=16) for _ in range(8)]  # one below the other; most have a neighbour
behind.close()
for number in range(4_000):
    assert all(one.first_use(f"n{number}", b"one", number) for one in nonces)
"""


def test_a_search_of_the_last_bucket_stays_within_the_memory() -> None:
    assert (
        subprocess.run([sys.executable, "-c", _AT_THE_EDGE_OF_MEMORY], check=False).returncode == 0
    )
