"""``python -m tests.world``: live a seed, or a plan that was kept; tell what failed."""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import structlog
from rich.console import Console

from tests.world.plan import Breakage, Plan, drawn
from tests.world.run import Lived, live
from tests.world.server import Pristine
from tests.world.shrink import shrunk

STORIES = 3


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
            return _try(plan, Path(work), kept, pristine, console, shrink=options.shrink)
        end, seed = time.monotonic() + options.hours * 3600, options.seed
        while True:
            plan = drawn(
                seed,
                seconds=options.minutes * 60,
                persons=options.persons,
                breakages=options.breaks,
            )
            if _try(plan, Path(work), kept, pristine, console, shrink=options.shrink):
                return 1
            seed += 1
            if time.monotonic() >= end:
                return 0


def _try(
    plan: Plan, work: Path, kept: Path, pristine: Pristine, console: Console, *, shrink: int
) -> int:
    lived = asyncio.run(live(plan, work / f"seed-{plan.seed}", pristine))
    _tell(lived, console)
    if not lived.verdict.faults:
        return 0
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
    return 1


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
    parser.add_argument(
        "--breaks", nargs="*", type=Breakage, default=list(Breakage), help="what may break"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
