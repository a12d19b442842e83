"""``python -m tests.world``: live a seed, or a plan that was kept; tell what failed."""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
import structlog
from rich.console import Console

from benchmarks.evidence import Experiment, keep
from tests.world.line import Fate
from tests.world.plan import Breakage, Plan, drawn
from tests.world.run import Lived, live
from tests.world.server import Pristine
from tests.world.shrink import shrunk

STORIES = 3
EXPERIMENT = Experiment(
    "failing_world",
    "Whatever fails, at the end every book agrees to the fen and the whole history equals a serial "
    "replay by the pure law.",
    "A real server with two workers and a PostgreSQL of its own, seed after seed. Hospitals and "
    "pharmacies treat the same persons, whose bills meet at deductibles and ceilings; clerks and "
    "families do their part. Replies are lost, late or doubled, clocks go wrong, requests overtake "
    "each other, buttons are pressed twice; processes and the database are killed, frozen and "
    "restarted, the disk is full or slow, connections break, transactions deadlock, migrations "
    "run in the middle. Then everybody finds out what became of everything, the month is cleared "
    "and paid, and all books are compared bill by bill.",
    "python -m tests.world --minutes MINUTES --persons PERSONS --hours HOURS --seed SEED",
    {
        "seed": "of the first world; each further one has the next",
        "worlds": "seeds that were lived",
        "minutes": "all worlds together, with their ends and comparisons",
        "persons": "of one world",
        "occasions": "visits, stays, purchases, cancellations, clerks' and families' acts",
        "breakages": "times something was broken on purpose",
        "messages met": "times a message met a fate on the line: lost, late, doubled …",
        "settlements": "settlements and their mirrors in the books",
        "faults": "differences between any two books, in fen or in kind",
    },
)


def main() -> int:
    """Exit code 1 when a book differs."""
    options = _options()
    # a clerk's connections die as everybody's do: that is no news
    logging.getLogger("asyncpg").setLevel(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    console = Console(width=120, highlight=False)
    with tempfile.TemporaryDirectory(prefix="yibao-world-") as work:
        pristine = Pristine(Path(options.pristine or f"{work}/pristine"))
        kept = Path(options.keep)
        if options.plan:
            plan = msgspec.json.decode(Path(options.plan).read_bytes(), type=Plan)
            lived = _try(plan, Path(work), kept, pristine, console, shrink=options.shrink)
            return 1 if lived.verdict.faults else 0
        return _live_on(options, Path(work), pristine, console)


def _live_on(options: argparse.Namespace, work: Path, pristine: Pristine, console: Console) -> int:
    """Seed after seed, until the time is over or a book differs; keep the figures where asked."""
    began, seed = time.monotonic(), options.seed
    worlds: list[Lived] = []
    while not worlds or (
        not worlds[-1].verdict.faults and time.monotonic() - began < options.hours * 3600
    ):
        plan = drawn(
            seed + len(worlds),
            seconds=options.minutes * 60,
            persons=options.persons,
            breakages=options.breaks,
        )
        worlds.append(
            _try(plan, work, Path(options.keep), pristine, console, shrink=options.shrink)
        )
    if options.to:
        figures = _figures(worlds) | {"minutes": round((time.monotonic() - began) / 60, 1)}
        keep(EXPERIMENT, figures, Path(options.to))
    return 1 if worlds[-1].verdict.faults else 0


def _figures(worlds: list[Lived]) -> dict[str, Any]:
    """For the table, and all that each world came to."""
    each = [
        {
            "seed": lived.plan.seed,
            "seconds": round(lived.seconds),
            "occasions": len(lived.plan.occasions),
            "line": {str(fate): times for fate, times in lived.met.items()},
            "ends": dict(lived.endings),
            "breakages": [str(one.what) for one in lived.plan.breaks],
            "books": lived.verdict.figures,
            "faults": lived.verdict.faults,
        }
        for lived in worlds
    ]
    return {
        "seed": worlds[0].plan.seed,
        "worlds": len(worlds),
        "persons": worlds[0].plan.persons,
        "occasions": sum(one["occasions"] for one in each),
        "breakages": sum(len(one["breakages"]) for one in each),
        "messages met": sum(lived.met.total() - lived.met[Fate.PASS] for lived in worlds),
        "settlements": sum(one["books"].get("rows_settlement", 0) for one in each),
        "faults": sum(len(one["faults"]) for one in each),
        "each": each,
    }


def _try(
    plan: Plan, work: Path, kept: Path, pristine: Pristine, console: Console, *, shrink: int
) -> Lived:
    lived = asyncio.run(live(plan, work / f"seed-{plan.seed}", pristine))
    _tell(lived, console)
    if not lived.verdict.faults:
        return lived
    smaller = lived
    if shrink:
        smaller = asyncio.run(shrunk(lived, work, pristine, shrink, console.print))
    kept.mkdir(parents=True, exist_ok=True)
    story = kept / f"seed-{plan.seed}.txt"
    story.write_text("\n".join(told(smaller)) + "\n")
    (kept / f"seed-{plan.seed}.plan.json").write_bytes(msgspec.json.encode(smaller.plan))
    (kept / f"seed-{plan.seed}.jsonl").write_bytes(smaller.chronicle.path.read_bytes())
    console.print(f"story, plan and history: {kept}/seed-{plan.seed}.*", soft_wrap=True)
    console.print(
        f"once more: python -m tests.world --plan {kept}/seed-{plan.seed}.plan.json", soft_wrap=True
    )
    return lived


def told(lived: Lived) -> list[str]:
    """A failing run as a story: what differs, and the whole history of whom it is about."""
    lines = [f"seed {lived.plan.seed}, {len(lived.plan.occasions)} occasions"]
    lines += [f"FAULT {fault}" for fault in lived.verdict.faults]
    for person in sorted(lived.verdict.people)[:STORIES]:
        lines += ["", f"everything about {person}:", *lived.chronicle.story(person)]
    return lines


def _tell(lived: Lived, console: Console) -> None:
    verdict, plan = lived.verdict, lived.plan
    console.print(
        f"seed {plan.seed}: {lived.seconds:.0f} s, {len(plan.occasions)} occasions of "
        f"{plan.persons} persons, {len(plan.breaks)} breakages: "
        + (f"{len(verdict.faults)} FAULTS" if verdict.faults else "every book agrees")
    )
    console.print(f"  line: {dict(lived.met)}")
    console.print(f"  ends: {dict(lived.endings)}")
    console.print(f"  books: {verdict.figures}")
    for fault in verdict.faults[:20]:
        console.print(f"  FAULT {fault}", markup=False)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.world", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=1.0, help="of one seed")
    parser.add_argument(
        "--hours", type=float, default=0.0, help="seed after seed for so long, to the first failure"
    )
    parser.add_argument("--persons", type=int, default=400)
    parser.add_argument("--plan", default="", help="a kept plan instead of a seed")
    parser.add_argument("--shrink", type=int, default=0, help="reruns to make a failure smaller")
    parser.add_argument("--pristine", default="", help="folder to keep the filled world in")
    parser.add_argument("--keep", default="var/world", help="folder for what failed")
    parser.add_argument("--to", default="", help="folder of evidence to add the figures to")
    parser.add_argument(
        "--breaks", nargs="*", type=Breakage, default=list(Breakage), help="what may break"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
