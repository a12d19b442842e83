"""What ``yibao replay`` does: find the server, send, show."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from yibao.cli.printing import print_whole
from yibao.cli.serving import served
from yibao.conformance.captures.model import Capture, Replayed, code_of
from yibao.conformance.captures.read import read_captures
from yibao.conformance.captures.send import replay
from yibao.gateway.tables import tables
from yibao.platform.settings import load_settings


def address(data: Path | None) -> str:
    """Where the server of a data folder is."""
    settings = served(load_settings({"data": data, "sandbox": True}))
    return f"http://{settings.host}:{settings.port}"


def read(files: Iterable[Path]) -> list[Capture]:
    """The messages of all files, in order. Raises Unreadable."""
    return [capture for file in files for capture in read_captures(file)]


async def collect(captures: Iterable[Capture], base_url: str, *, keep_ids: bool) -> list[Replayed]:
    """Send them all."""
    return [one async for one in replay(captures, base_url, keep_ids=keep_ids)]


def as_json(one: Replayed) -> dict[str, Any]:
    """One answer as plain data."""
    before = one.capture.answer
    return {
        "place": one.capture.place,
        "infno": one.number,
        "agrees": one.agrees,
        "infcode": one.code,
        "captured_infcode": None if before is None else code_of(before),
        "err_msg": one.message,
        "differences": list(one.differences),
        "milliseconds": round(one.seconds * 1000, 1),
        "sent": one.sent,
        "answer": one.answer,
    }


def show(found: Sequence[Replayed]) -> None:
    """The answers as a table for people."""
    console = Console()
    table = Table(title="Replay 重放", title_justify="left")
    for heading in ("capture", "number", "交易", "was", "is", "ms", "answer, differences"):
        table.add_column(heading, overflow="fold")
    known = tables()
    for one in found:
        title = known.find(one.number) if one.number else None
        before = one.capture.answer
        colour = "green" if one.agrees and one.code == 0 else "yellow" if one.agrees else "red"
        table.add_row(
            one.capture.place,
            one.number,
            "" if title is None else title.title,
            "" if before is None else str(code_of(before)),
            f"[{colour}]{'–' if one.code is None else one.code}[/]",
            f"{one.seconds * 1000:.0f}",
            "\n".join([*([one.message] if one.message else []), *one.differences]),
        )
    print_whole(console, table)
