"""How evidence is kept: raw figures as JSON, and a page that a stranger can read.

A page ``<name>.md`` says what is claimed, how it was tried, how to try it again and what each
column counts; every run adds a row, and ``<name>-<time>.json`` has all of it: figures, seed,
machine, versions.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.machine import HOUSE, machine

FOLDER = HOUSE / "docs" / "evidence"


@dataclass(frozen=True, slots=True)
class Experiment:
    """What a page says above its table."""

    name: str
    claim: str
    """What the run would have shown to be wrong, were it wrong."""
    method: str
    """Whole sentences."""
    command: str
    """With the names of what the table has: COUNT, SEED."""
    columns: Mapping[str, str]
    """What each figure counts, by its name."""

    def page(self) -> str:
        """Everything up to the table's first row."""
        explained = "\n".join(f"- **{name}**: {told}" for name, told in self.columns.items())
        seed = (
            " The seed decides what is sent and when something breaks, not how far the machine has "
            "come by then."
        )
        head = " | ".join(("when (UTC)", *self.columns, "machine", "raw"))
        return (
            f"# {self.name.replace('_', ' ').capitalize()}\n\n{self.claim}\n\n"
            f"## How\n\n{self.method}\n\n"
            f"Again: `{self.command}`.{seed if 'seed' in self.columns else ''}\n\n"
            f"## Figures\n\n{explained}\n\n"
            f"| {head} |\n|{'---|' * (len(self.columns) + 3)}\n"
        )


def keep(experiment: Experiment, figures: Mapping[str, Any], folder: Path = FOLDER) -> Path:
    """Write the raw figures and add a row to the page; the JSON's path."""
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    raw = folder / f"{experiment.name}-{now:%Y%m%dT%H%M%SZ}.json"
    where = machine()
    facts = {"name": experiment.name, "at": now.isoformat(timespec="seconds"), "machine": where}
    raw.write_text(json.dumps({**facts, **figures}, indent=2, ensure_ascii=False) + "\n")
    page = folder / f"{experiment.name}.md"
    if not page.exists():
        page.write_text(experiment.page())
    values = [_cell(name, figures[name]) for name in experiment.columns]
    told = f"{where['cores']} cores, {where['memory_gib']} GiB"
    cells = [f"{now:%Y-%m-%d %H:%M}", *values, told, f"[json]({raw.name})"]
    with page.open("a") as lines:
        lines.write(f"| {' | '.join(map(str, cells))} |\n")
    return raw


def _cell(name: str, value: Any) -> str:
    return f"{value:,}" if isinstance(value, int | float) and name != "seed" else str(value)
