"""``yibao conformance``: try a server of the interface, transaction by transaction."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

errors = Console(stderr=True)


def conformance(
    target: Annotated[
        Path | None,
        typer.Option(help="TOML file about the server; without it the running sandbox is tried."),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the sandbox to try.")] = None,
    forms: Annotated[
        bool, typer.Option("--forms/--no-forms", help="Also send what must be refused.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Try any server of the institution interface and report transaction by transaction.

    Plays a hospital's and a pharmacy's day: sign-in, an outpatient bill with a lost reply and a
    reversal, a stay with a return, a purchase, files. What it does it takes back. Then it sends
    each transaction with each required field missing. Exit code 1 when something failed.
    """
    # heavy, and only wanted here
    from yibao.cli import conforming
    from yibao.conformance.run import run
    from yibao.conformance.targets import TargetFault, read_target
    from yibao.platform.settings import SettingsFault

    try:
        chosen = read_target(target) if target is not None else conforming.sandbox(data)
    except (TargetFault, SettingsFault) as fault:
        errors.print(f"[red]{fault}[/red]", highlight=False)
        raise typer.Exit(2) from None
    if as_json:
        report = asyncio.run(run(chosen, with_forms=forms))
        typer.echo(json.dumps(report.as_json(), ensure_ascii=False, indent=1))
    else:
        report = conforming.watched(chosen, with_forms=forms)
        conforming.show(report)
    raise typer.Exit(0 if report.passed else 1)
