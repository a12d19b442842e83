"""Kill server, worker and database at random moments under load; count what is lost or doubled.

    python -m benchmarks.kills --count 1000 --seed 1

Institutions settle, cancel and reverse without pause while one kill follows the other, a second
or two apart, also into the middle of recovery. After each hundred kills everybody finds out what
became of everything, all books are compared, and a fresh world goes on with the next seed.
"""

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.evidence import FOLDER, Experiment, keep
from tests.world.plan import Breakage, drawn
from tests.world.run import Lived, live
from tests.world.server import Pristine

KINDS = (
    Breakage.KILL_SERVER,
    Breakage.KILL_DATABASE,
    Breakage.KILL_BOTH,
    Breakage.KILL_WORKER,
    Breakage.KILL_BACKEND,
)
A_WORLD = 100
PACE = 2.5
EXPERIMENT = Experiment(
    "kills",
    "What a hospital was told is settled survives whatever is killed, and nothing is settled "
    "twice.",
    "A real server with two workers and a PostgreSQL of its own. Hospitals and pharmacies "
    "settle, cancel, reverse and repeat bills without pause; clerks credit accounts, freeze "
    "them, cancel and settle again meanwhile. Every second or two one process is ended by "
    "SIGKILL: a worker, the whole server, a backend of the database, the whole database, or "
    "server and database together; also in the middle of recovery. After each hundred kills "
    "the institutions find out what became of what they did not know, and all books are "
    "compared bill by bill: the institutions' own, settlements, ledger, counters, and every "
    "person's history decided again by the law.",
    "python -m benchmarks.kills --count COUNT --seed SEED",
    {
        "kills": "processes, or groups of them, that were killed",
        "seed": "of the first world; each further hundred kills has the next",
        "settlements": "bills that were settled",
        "acknowledged messages": "messages whose answer the institution had read",
        "lost": "bills that an institution has and the platform has not",
        "doubled": "charges that are settled twice",
        "ledger faults": "an account, a sum or the chain that is wrong",
        "other faults": "anything else in which two books differ",
        "seconds": "all worlds together",
    },
)


@dataclass(slots=True)
class Tally:
    """What all worlds together came to."""

    kills: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    settlements: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    def add(self, lived: Lived) -> None:
        """Another world."""
        for event in lived.chronicle.events:
            if event.who == "world" and event.what in KINDS:
                self.kills[str(event.what)] += 1
        spans = lived.chronicle.spans.values()
        self.acknowledged += sum(span.acknowledged is not None for span in spans)
        self.settlements += lived.verdict.figures.get("rows_settlement", 0)
        self.kinds.update(lived.verdict.kinds)
        self.faults += lived.verdict.faults
        self.seconds += lived.seconds

    def figures(self, seed: int) -> dict[str, Any]:
        """For the table."""
        return {
            "kills": self.kills.total(),
            "seed": seed,
            "settlements": self.settlements,
            "acknowledged messages": self.acknowledged,
            "lost": self.kinds["lost"],
            "doubled": self.kinds["doubled"],
            "ledger faults": self.kinds["ledger"],
            "other faults": len(self.faults)
            - sum(self.kinds[kind] for kind in ("lost", "doubled", "ledger")),
            "seconds": round(self.seconds),
            "by kind": dict(self.kills),
            "faults": self.faults,
        }


async def measure(count: int, seed: int, work: Path, pristine: Pristine) -> dict[str, Any]:
    """Kill ``count`` times."""
    tally, world = Tally(), seed
    while tally.kills.total() < count:
        left = min(A_WORLD, count - tally.kills.total())
        plan = drawn(
            world,
            seconds=4 + left * PACE,
            persons=200,
            breakages=KINDS,
            pace=PACE,
            troubled=0.0,
        )
        tally.add(await live(plan, work / f"kills-{world}", pristine))
        world += 1
    return tally.figures(seed)


def main() -> int:
    """Exit code 1 when something was lost, doubled or broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--to", type=Path, default=FOLDER)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="yibao-kills-") as folder:
        work = Path(folder)
        pristine = Pristine(work / "pristine")
        figures = asyncio.run(measure(options.count, options.seed, work, pristine))
    Console().print(figures)
    keep(EXPERIMENT, figures, options.to)
    return 1 if figures["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
