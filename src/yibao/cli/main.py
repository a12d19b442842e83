"""The commands and their options; what they do is in the modules beside this one.

Heavy imports are inside the commands: ``yibao --help`` is quick and ``serve`` is ready soon.
"""

import asyncio
import dataclasses
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from yibao import __version__
from yibao.cli import playing
from yibao.cli.access import access_cli
from yibao.cli.accounts import accounts_cli
from yibao.cli.affected import affected
from yibao.cli.archive import archive_cli
from yibao.cli.backup import backup, restore
from yibao.cli.bureau import bureau_cli
from yibao.cli.clearing import clearing_cli, practise_bank
from yibao.cli.clearing_statement import statement
from yibao.cli.conformance import conformance
from yibao.cli.explain import explain
from yibao.cli.keys import keys_cli
from yibao.cli.law_release import law_cli
from yibao.cli.ledger import ledger_cli
from yibao.cli.load import load_cli
from yibao.cli.replay import replay
from yibao.cli.staff import staff_cli
from yibao.cli.vault import vault_cli
from yibao.cli.whatif import whatif
from yibao.platform.crypto import Unsealable
from yibao.platform.logging import set_up_logging
from yibao.platform.postgres import PostgresFailed
from yibao.platform.settings import Settings, SettingsFault, load_settings

DataFolder = Annotated[
    Path | None, typer.Option("--data", help="Folder of the database and run-time files.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

cli = typer.Typer(
    name="yibao",
    help="Yibao (医保): the insurer's side of China's medical-insurance system.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # they could hold personal data
)
sandbox_cli = typer.Typer(name="sandbox", help="The world for trying out.", no_args_is_help=True)
cli.add_typer(sandbox_cli)
for tool in (
    playing.person,
    playing.vouchers,
    playing.clock,
    playing.fault,
    playing.faults,
    playing.reset,
):
    sandbox_cli.command()(tool)
cli.add_typer(law_cli)
cli.add_typer(ledger_cli)
cli.add_typer(accounts_cli)
cli.add_typer(load_cli)
cli.add_typer(keys_cli)
cli.add_typer(staff_cli)
cli.add_typer(vault_cli)
cli.add_typer(access_cli)
cli.add_typer(archive_cli)
cli.add_typer(bureau_cli)
clearing_cli.command()(statement)
cli.add_typer(clearing_cli)
sandbox_cli.command("bank")(practise_bank)
cli.command()(explain)
cli.command()(affected)
cli.command()(whatif)
cli.command()(conformance)
cli.command()(replay)
cli.command()(backup)
cli.command()(restore)

console = Console()
errors = Console(stderr=True)


def main() -> None:
    """The entry point of the command ``yibao``."""
    cli()


@cli.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    set_up_logging("warning", "console")  # else a fault's traceback would show names and keys
    if version:
        typer.echo(f"yibao {__version__}")
        raise typer.Exit


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes any free one.")] = None,
    data: DataFolder = None,
    sandbox: Annotated[
        bool | None,
        typer.Option("--sandbox/--no-sandbox", help="With an artificial world to try out."),
    ] = None,
    open_door: Annotated[
        bool | None,
        typer.Option("--open", help="Sandbox only: let in any key, institution and person."),
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Server processes.")] = None,
) -> None:
    """Start database and server, and keep them running until stopped (Ctrl-C, SIGTERM)."""
    from yibao.cli.serving import serve_until_stopped

    with _explained():
        settings = _settings(
            host=host,
            port=port,
            data=data,
            sandbox=sandbox,
            open_door=open_door,
            workers=workers,
        )
        serve_until_stopped(settings, console, port_asked=port is not None)


@cli.command()
def migrate(data: DataFolder = None) -> None:
    """Bring the database to the newest schema."""
    from yibao.cli.serving import open_database
    from yibao.platform import migrations

    with _explained():
        settings = _settings(data=data)
        with open_database(settings) as dsn:
            before = asyncio.run(migrations.current(dsn))
            asyncio.run(migrations.migrate(dsn))
        console.print(f"revision {before or 'none'} → {migrations.head()}")


@cli.command()
def doctor(data: DataFolder = None, as_json: AsJson = False) -> None:
    """Show the settings and check everything they name; exit code 1 when something is wrong."""
    from yibao.cli.doctor import examine, render

    with _explained():
        settings = _settings(data=data)
        findings = examine(settings)
        if as_json:
            told: dict[str, Any] = {
                "settings": settings.masked(),
                "findings": [dataclasses.asdict(finding) for finding in findings],
            }
            typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
        else:
            console.print(render(settings, findings))
        if any(finding.remedy for finding in findings):
            raise typer.Exit(1)


@cli.command()
def demo(
    visits: Annotated[int, typer.Option(help="How many visits to run.")] = 3_000,
    seed: Annotated[int, typer.Option(help="Which visits.")] = 1,
    data: Annotated[
        Path | None, typer.Option("--data", help="Keep the data here; else they are removed.")
    ] = None,
) -> None:
    """Set up a sandbox, run visits on it, report; exit code 0 only if the three books agree."""
    from yibao.cli.demo import demonstrate

    with _explained():
        settings = _settings(port=0, sandbox=True)
        code = demonstrate(settings, console, visits=visits, seed=seed, keep=data)
    raise typer.Exit(code)


@sandbox_cli.command()
def accounts(data: DataFolder = None, as_json: AsJson = False) -> None:
    """Print what a client needs to start: address, keys, institutions, persons, items."""
    from yibao.cli.serving import served
    from yibao.sandbox.accounts import collect, render

    with _explained():
        settings = _settings(data=data, sandbox=True)
        found = collect(served(settings))
        if as_json:
            typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        else:
            console.print(render(found))


def _settings(**given: Any) -> Settings:
    settings = load_settings(given)
    set_up_logging(settings.log_level, settings.log_format)
    return settings


@contextmanager
def _explained() -> Iterator[None]:
    """Faults that the user can mend are told without a traceback."""
    try:
        yield
    except (SettingsFault, PostgresFailed, Unsealable) as fault:
        errors.print(f"[red]yibao:[/red] {fault}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except BrokenPipeError:  # the reader of our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise typer.Exit(1) from None
