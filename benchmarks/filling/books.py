"""Read all books of a folder through, as an auditor would: ``yibao ledger verify``."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from yibao.sandbox.places import PLACES


def verified(folder: Path) -> dict[str, Any]:
    """Every pool's books, all at once: how many faults, the first of them, what was looked at.

    Raises ChildProcessError when they could not be read to the end.
    """
    command = [sys.executable, "-m", "yibao", "ledger", "verify", "--json", "--data", str(folder)]
    running = [
        subprocess.Popen([*command, "--pool", place.pool], stdout=subprocess.PIPE, text=True)
        for place in PLACES
    ]
    figures: Counter[str] = Counter()
    faults, first = 0, []
    for one in running:
        printed, _ = one.communicate()
        if not printed:
            raise ChildProcessError(f"the books were not read: exit code {one.returncode}")
        told = json.loads(printed)
        figures.update(told["figures"])
        faults += told["faults"]
        first += told["first"][:5]
    return {"faults": faults, "first": first, "verified": dict(figures)}
