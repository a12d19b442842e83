"""When a backup was last taken, noted in the data folder for /metrics and ``yibao doctor``."""

import json
import os
from datetime import datetime
from pathlib import Path

_NOTE = "last-backup.json"


def note_backup(data: Path, file: Path, taken_at: datetime) -> None:
    """Remember a backup that is complete."""
    data.mkdir(parents=True, exist_ok=True)
    aside = data / f"{_NOTE}.{os.getpid()}"
    told = {"taken_at": taken_at.isoformat(), "file": str(file.absolute())}
    aside.write_text(json.dumps(told) + "\n")
    aside.replace(data / _NOTE)


def last_backup(data: Path) -> datetime | None:
    """When the newest backup was taken; None: never, or nobody knows."""
    try:
        return datetime.fromisoformat(json.loads((data / _NOTE).read_text())["taken_at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
