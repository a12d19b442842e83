"""How evidence is kept: the raw figures as JSON, and a line of a table for people."""

import json
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

FOLDER = Path(__file__).parent.parent / "docs" / "evidence"


def keep(name: str, method: str, figures: Mapping[str, Any], folder: Path = FOLDER) -> Path:
    """Write ``<name>-<time>.json`` and append a line to ``<name>.md``; the JSON's path.

    ``method`` is one sentence for a page that does not exist yet.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    raw = folder / f"{name}-{stamp}.json"
    facts = {"name": name, "at": stamp, "machine": machine(), **figures}
    raw.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    page = folder / f"{name}.md"
    shown = {key: value for key, value in figures.items() if not isinstance(value, list | dict)}
    if not page.exists():
        page.write_text(
            f"# {name.replace('_', ' ').capitalize()}\n\n{method}\n\n"
            f"| when | {' | '.join(shown)} | raw |\n|---|{'---|' * (len(shown) + 1)}\n"
        )
    with page.open("a") as lines:
        values = " | ".join(str(value) for value in shown.values())
        lines.write(f"| {stamp} | {values} | [json]({raw.name}) |\n")
    return raw


def machine() -> dict[str, Any]:
    """Where it was measured."""
    return {
        "cores": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 1024**3, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "yibao": version("yibao"),
    }
