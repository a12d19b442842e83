"""``yibao replay``: send captured messages and say what was answered."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

errors = Console(stderr=True)


def replay(
    files: Annotated[
        list[Path], typer.Argument(help="Captures: JSON, JSON lines, HAR, HTTP, curl.")
    ],
    url: Annotated[
        str | None, typer.Option(help="The server; without it the sandbox that runs.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the sandbox.")] = None,
    keep_ids: Annotated[
        bool,
        typer.Option("--keep-ids", help="Send exactly what was captured, message ids too."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Send captured messages, in order, and report what was answered.

    Ids that the captured platform gave (person, visit, settlement …) and the sums that a settlement
    hands back are replaced by those that the server answers, and messages get new ids, so that a
    captured day can be played again and again.
    Headers go as captured; a sandbox started with --open takes them whatever their age. Exit code 1
    when an answer is no envelope, or a success where the capture has a refusal, or the reverse.
    """
    # heavy, and only wanted here
    from yibao.cli import replaying
    from yibao.conformance.captures.read import Unreadable
    from yibao.platform.settings import SettingsFault

    try:
        base_url = (url or replaying.address(data)).rstrip("/")
        captures = replaying.read(files)
    except (Unreadable, SettingsFault) as fault:
        errors.print(f"[red]{fault}[/red]", highlight=False)
        raise typer.Exit(2) from None
    found = asyncio.run(replaying.collect(captures, base_url, keep_ids=keep_ids))
    if as_json:
        rows = [replaying.as_json(one) for one in found]
        typer.echo(json.dumps({"messages": rows}, ensure_ascii=False, indent=1, default=str))
    else:
        replaying.show(found)
    raise typer.Exit(0 if all(one.agrees for one in found) else 1)
