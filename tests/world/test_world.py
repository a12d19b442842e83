"""Some seeds of the failing world: whatever broke, every book agrees to the fen at the end.

`make soak` goes on with further seeds by the hour.
"""

from pathlib import Path

import pytest

from tests.world.__main__ import told
from tests.world.plan import Breakage, drawn
from tests.world.run import live
from tests.world.server import Pristine

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("world")]

KILLS = (Breakage.KILL_SERVER, Breakage.KILL_DATABASE, Breakage.KILL_WORKER, Breakage.KILL_BOTH)
STALLS = tuple(one for one in Breakage if one not in KILLS)


@pytest.mark.parametrize(("seed", "breakages"), [(1, KILLS), (2, STALLS)], ids=["kills", "stalls"])
async def test_every_book_agrees_whatever_breaks(
    seed: int, breakages: tuple[Breakage, ...], tmp_path: Path, pristine: Pristine
) -> None:
    plan = drawn(seed, seconds=20, persons=20, breakages=breakages, pace=5)
    lived = await live(plan, tmp_path / "world", pristine)
    assert lived.verdict.faults == [], "\n".join(told(lived))
    assert lived.verdict.figures["persons_replayed"] > 3
    assert lived.verdict.figures["rows_settlement"] > 10
