"""``yibao law activate``, ``releases`` and ``rollback``: which law counts from which day.

A law is checked, put to its published cases and proposed by one person; another releases it. How a
bureau works with that is told in ``docs/law/releases.md``.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from yibao.cli.law import AsJson, console, echo_json, law_cli, tell
from yibao.cli.printing import print_whole
from yibao.platform.settings import load_settings

__all__ = ["law_cli"]

DataFolder = Annotated[
    Path | None, typer.Option("--data", help="Folder of the database and run-time files.")
]
Numbers = Annotated[list[int], typer.Argument(help="Numbers of releases; several change together.")]
By = Annotated[str, typer.Option("--by", help="Who does it.")]


@law_cli.command()
def activate(
    by: By,
    files: Annotated[
        list[Path] | None, typer.Argument(help="Law files to propose; several count together.")
    ] = None,
    cases: Annotated[
        list[Path] | None, typer.Option("--cases", help="Case files that must come out.")
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First day of bills it is for."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why: the document that makes it law.")] = "",
    release: Annotated[
        list[int] | None, typer.Option("--release", help="Release this proposal, as second person.")
    ] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Propose law files from a day on, or release a proposal as the second person.

    Example: yibao law activate mine.toml --cases cases.toml --from 2026-01-01 --by Li
    """
    from yibao.cli.on_database import told_faults
    from yibao.cli.releasing import propose, release_proposals

    with told_faults(as_json):
        settings = load_settings({"data": data})
        if release:
            changed = release_proposals(settings, release, by)
        elif not files or not cases or start is None:
            tell("say FILE, --cases and --from to propose, or --release ID to release a proposal")
            raise typer.Exit(2)
        else:
            changed = propose(settings, files, cases, start.date(), by, reason)
        _print(changed, as_json=as_json)
    if not as_json:
        _what_next(changed)


@law_cli.command()
def releases(data: DataFolder = None, as_json: AsJson = False) -> None:
    """List all releases of laws: proposed, counting, withdrawn."""
    from yibao.cli.on_database import told_faults
    from yibao.cli.releasing import all_releases

    with told_faults(as_json):
        _print(all_releases(load_settings({"data": data})), as_json=as_json)


@law_cli.command()
def rollback(
    numbers: Numbers,
    by: By,
    reason: Annotated[str, typer.Option(help="Why; kept with the release.")],
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw releases: the law that counted before them counts again.

    Example: yibao law rollback 3 --by Wang --reason "wrong cap"
    """
    from yibao.cli.on_database import told_faults
    from yibao.cli.releasing import withdraw_releases

    with told_faults(as_json):
        changed = withdraw_releases(load_settings({"data": data}), numbers, by, reason)
        _print(changed, as_json=as_json)


def _print(found: Sequence[Any], *, as_json: bool) -> None:
    if as_json:
        rows = [{**asdict(one), "state": one.state.value} for one in found]
        echo_json({"releases": [{k: _plain(v) for k, v in row.items()} for row in rows]})
        return
    table = Table("", "area/scheme", "from", "state", "proposed", "released", "withdrawn", "law")
    for one in found:
        table.add_row(
            str(one.number),
            f"{one.area}/{one.scheme}",
            one.effective_from.isoformat(),
            one.state.value,
            _signed(one.proposed_by, one.proposed_at, one.reason),
            _signed(one.released_by, one.released_at),
            _signed(one.withdrawn_by, one.withdrawn_at, one.withdrawn_because),
            one.fingerprint[:12],
        )
    print_whole(console, table)


def _what_next(changed: Sequence[Any]) -> None:
    today = datetime.now().astimezone().date()
    waiting = [one for one in changed if one.state.value == "proposed"]
    if waiting:
        numbers = " ".join(f"--release {one.number}" for one in waiting)
        _say(f"Another person releases it: yibao law activate {numbers} --by NAME")
    for one in changed:
        if one.effective_from <= today:
            _say(
                f"{one.area}/{one.scheme} reaches back to {one.effective_from}; bills that it"
                f" touches: yibao affected --release {one.number}"
            )


def _say(line: str) -> None:
    console.print(line, highlight=False, soft_wrap=True, markup=False)


def _signed(name: str | None, at: datetime | None, note: str | None = None) -> str:
    if name is None or at is None:
        return ""
    told_at = at.astimezone(UTC).strftime("%Y-%m-%d %H:%MZ")
    return f"{name}, {told_at}" + (f": {note}" if note else "")


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
