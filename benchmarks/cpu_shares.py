"""Where a visit's processor time goes: HTTP and JSON, proving and reading, law, statements, rest.

    python -m benchmarks.cpu_shares [--seconds 30]

A closed loop of complete visits as in ``benchmarks.visits``. PostgreSQL's time and the server's are
those of their processes. The server's is told apart by ``sampled_server.py``: a timer of each
worker's own CPU time interrupts it, and what its main thread has used since is put down to the
module that it is in; the other threads, which are granian's and speak HTTP, are the process's time
without the main thread's, and not sampled. A share of some per cent is right to about half a per
cent of the whole with ten thousand samples (the error is printed). Two things lie: code in C counts
where Python goes on after it, which is its caller's module, but for the driver's reading of
PostgreSQL's answers, which the event loop calls and which counts with whatever runs next; and the
interruptions themselves cost about a per cent.
"""

import argparse
import json
import os
import tempfile
from collections import Counter
from collections.abc import Mapping
from math import sqrt
from pathlib import Path
from typing import Any
from unittest.mock import patch

from rich.console import Console
from rich.table import Table

from benchmarks import sampled_server
from benchmarks.consumption import Consumption
from benchmarks.driving import driving
from benchmarks.load import options_of, plan_of
from benchmarks.report import keep, run
from benchmarks.stand import served
from yibao.cli import serving
from yibao.cli.serving import Running

THREADS = "HTTP threads"
PARTS: Mapping[str, tuple[str, ...]] = {
    "HTTP and JSON": (
        THREADS,
        "loop",
        "app.py",
        "gateway/asgi.py",
        "gateway/envelope.py",
        "gateway/rendering.py",
        "gateway/reply.py",
        "gateway/writing.py",
    ),
    "proving and reading": (
        "gateway/authentication.py",
        "gateway/body.py",
        "gateway/content_encryption.py",
        "gateway/dialects/",
        "gateway/envelope_signature.py",
        "gateway/nonces.py",
        "gateway/outer_message.py",
        "gateway/reading.py",
        "gateway/reception.py",
        "gateway/signature_guesses.py",
        "gateway/tables/",
        "gateway/tokens.py",
        "gateway/turnstile.py",
        "platform/access/lockout.py",
        "platform/admission/",
    ),
    "law": ("adjudication/", "policy/"),
    "statements and driver": (
        "asyncpg",
        "platform/appending.py",
        "platform/database.py",
        "store.py",
    ),
}
"""Modules by what they do: whole folders end in a slash, ``store.py`` is meant in every room."""
REST = "the rest of Python"
TOP = 20


def main() -> None:
    """Measure, print, keep the figures."""
    options = options_of(__doc__)
    options.set_defaults(seconds=30.0)
    given = options.parse_args()
    console = Console(width=110)
    seconds = given.seconds + given.warm_up
    with (
        tempfile.TemporaryDirectory(prefix="yibao-samples-") as named,
        patch.dict(os.environ, {sampled_server.FOLDER_VARIABLE: named}),
        patch.object(serving, "SERVER_MODULE", sampled_server.__name__),
        served(console, seconds, workers=given.workers) as server,
    ):
        result = measured(server, given, Path(named))
    say(console, result)
    path = keep("cpu-shares", __doc__, result, kept=given.keep)
    console.print(f"figures: {path}", soft_wrap=True)


def measured(server: Running, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """CPU milliseconds of a visit by module and by part."""
    consumption = Consumption(server)
    with driving(plan_of(server, options)) as generator:
        generator.wait_for("measured")
        first, before = consumption.stand(), _sampled(folder)
        generator.wait_for()
        last, after = consumption.stand(), _sampled(folder)
        [window] = generator.result()["windows"]
    visits = max(1, sum(window["done"].values()))
    taken = consumption.taken(first, last, visits, window["cpu"])
    spent = {name: after[name] - before[name] for name in after}
    samples = spent.pop("samples")
    process, main_thread = spent.pop("process"), spent.pop("main")
    spent[THREADS] = process - main_thread
    whole = sum(spent.values())
    modules = {name: seconds / whole for name, seconds in spent.items() if seconds > 0}
    parts = parts_of(modules)
    server_ms = taken["cpu_ms"]["server"]
    return {
        "workers": server.settings.workers,
        "visits": visits,
        "samples": samples,
        "cpu_ms": taken["cpu_ms"],
        "cores": taken["cores"],
        "parts_ms": {name: share * server_ms for name, share in parts.items()},
        "error_ms": {
            name: sqrt(share * (1 - share) / samples) * server_ms for name, share in parts.items()
        },
        "modules_ms": {
            name: share * server_ms
            for name, share in sorted(modules.items(), key=lambda one: -one[1])
        },
    }


def parts_of(modules: Mapping[str, float]) -> dict[str, float]:
    """Shares by what modules do."""
    found = dict.fromkeys((*PARTS, REST), 0.0)
    for module, share in modules.items():
        found[_part_of(module)] += share
    return found


def _part_of(module: str) -> str:
    for part, names in PARTS.items():
        for name in names:
            if module.startswith(name) if name.endswith("/") else module == name:
                return part
            if name == "store.py" and module.endswith("/store.py"):
                return part
    return REST


def _sampled(folder: Path) -> Counter[str]:
    """Seconds by module, of all workers so far, and ``samples``, ``process``, ``main``."""
    found: Counter[str] = Counter()
    for path in folder.glob("*.json"):
        told = json.loads(path.read_text())
        found.update(told.pop("seconds"))
        found.update(told)
    return found


def say(console: Console, result: Mapping[str, Any]) -> None:
    """The figures for people."""
    cpu = result["cpu_ms"]
    whole = cpu["server"] + cpu["postgresql"]
    table = Table("part", title="CPU of a visit", title_justify="left")
    for heading in ("ms", "±", "%"):
        table.add_column(heading, justify="right")
    for name, spent in result["parts_ms"].items():
        error = f"{result['error_ms'][name]:.2f}"
        table.add_row(name, f"{spent:.2f}", error, f"{100 * spent / whole:.0f}")
    table.add_row(
        "PostgreSQL", f"{cpu['postgresql']:.2f}", "", f"{100 * cpu['postgresql'] / whole:.0f}"
    )
    table.add_section()
    table.add_row("all", f"{whole:.2f}", "", "100")
    console.print(table)
    modules = Table("module", title=f"The {TOP} largest", title_justify="left")
    modules.add_column("ms", justify="right")
    for name, spent in list(result["modules_ms"].items())[:TOP]:
        modules.add_row(name, f"{spent:.3f}")
    console.print(modules)
    cores = result["cores"]
    console.print(
        f"{result['visits']:,} visits, {result['samples']:,.0f} samples, {result['workers']} server"
        f" processes; others on this machine {cores['others']:.2f} cores, taken by its host "
        f"{cores['stolen']:.2f}",
        highlight=False,
    )


if __name__ == "__main__":
    run(main)
