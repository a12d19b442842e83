"""``yibao affected``: the living bills that a retroactive law or fact touches; changes nothing."""

import csv
import sys
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from yibao.cli.law import AsJson, console, echo_json, tell
from yibao.cli.printing import print_whole
from yibao.platform.settings import Settings, load_settings

if TYPE_CHECKING:
    from asyncpg import Connection

    from yibao.settlement.affected.model import Affected


def affected(
    law: Annotated[
        Path | None, typer.Option("--law", help="A law file: were it the law from --since on.")
    ] = None,
    release: Annotated[
        int | None, typer.Option("--release", help="A release: were it, or since it is, in force.")
    ] = None,
    facts: Annotated[
        bool, typer.Option("--facts", help="What is known now of people, places and catalogue.")
    ] = False,
    since: Annotated[
        datetime | None,
        typer.Option("--since", formats=["%Y-%m-%d"], help="First day of bills to look at."),
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, a row an amount.")] = False,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder of the database and run-time files.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List living settlements that would come out otherwise, with the difference by payer.

    Example: yibao affected --law mine.toml --since 2026-01-01
    """
    from yibao.cli.on_database import in_snapshot, on_database, told_faults

    if [law is not None, release is not None, facts].count(True) != 1:
        tell("say one of --law FILE, --release ID and --facts")
        raise typer.Exit(2)
    with told_faults(as_json):
        settings = load_settings({"data": data})
        begin = None if since is None else since.date()

        async def read(connection: "Connection[Any]") -> "list[Affected]":
            return await _found(connection, settings, law, release, begin)

        found = on_database(settings, lambda database: in_snapshot(database, read))
    if as_json:
        echo_json({"settlements": [_as_json(one) for one in found], "totals": _totals(found)})
    elif as_csv:
        _write_csv(found)
    else:
        _print(found)


async def _found(
    connection: "Connection[Any]",
    settings: Settings,
    law_file: Path | None,
    release: int | None,
    since: date | None,
) -> "list[Affected]":
    from yibao.platform.crypto import Vault, load_key
    from yibao.policy.load import load_law, load_law_book
    from yibao.registry.laws import service as laws
    from yibao.registry.service import ReferenceCache
    from yibao.settlement import service

    packaged = load_law_book(settings.law)
    if release is not None:
        law, first, until = await laws.law_of_release(connection, release)
        in_force = await laws.load_laws(connection, packaged)
        return await service.affected_by_law(
            connection, law, in_force, since=since or first, until=until
        )
    begin = since or await _hot_days(connection)
    if law_file is not None:
        law = load_law(law_file, settings.law)
        in_force = await laws.load_laws(connection, packaged)
        return await service.affected_by_law(connection, law, in_force, since=begin)
    vault = Vault(load_key(settings))
    reference = await ReferenceCache(vault, packaged).current(connection)
    return await service.affected_by_facts(connection, vault, reference, since=begin)


async def _hot_days(connection: "Connection[Any]") -> date:
    """The first day that was not put away; older ones are looked at when --since names them."""
    from yibao.platform.archive.service import archived_through
    from yibao.settlement.affected.service import BEGIN

    last = await archived_through(connection)
    if last is None:
        return BEGIN
    first = last + timedelta(days=1)
    tell(f"bills from {first} on; older ones lie in the archive: --since DAY brings them back")
    return first


# ------------------------------------------------------------------------------------------ output


def _as_json(one: "Affected") -> dict[str, Any]:
    from yibao.kernel.money import yuan

    return {
        "settlement": one.settlement.text(),
        "member": one.member,
        "institution": one.institution,
        "scheme": one.scheme,
        "care_kind": one.care_kind,
        "day": one.day.isoformat(),
        "causes": list(one.causes),
        "settled": {name: yuan(amount) for name, amount in one.settled.items()},
        "again": {name: yuan(amount) for name, amount in one.again.items()},
        "differences": {name: yuan(amount) for name, amount in one.differences.items()},
        "refused": None if one.refusal is None else one.refusal.message,
    }


def _totals(found: "Sequence[Affected]") -> dict[str, str]:
    from yibao.kernel.money import yuan

    totals: dict[str, int] = {}
    for one in found:
        for name, change in one.differences.items():
            totals[name] = totals.get(name, 0) + change
    return {name: yuan(total) for name, total in totals.items()}


_COLUMNS = (
    "settlement", "member", "institution", "scheme", "care_kind", "day", "causes",
    "amount", "settled", "again", "difference",
)  # fmt: skip


def _rows(found: "Sequence[Affected]") -> Iterator[tuple[str, ...]]:
    from yibao.kernel.money import yuan

    for one in found:
        head = (
            one.settlement.text(),
            one.member,
            one.institution,
            one.scheme,
            one.care_kind,
            one.day.isoformat(),
            " ".join(one.causes),
        )
        if one.refusal is not None:
            yield (*head, "refused", "", "", one.refusal.message)
        for name, change in one.differences.items():
            before, after = one.settled.get(name, 0), one.again.get(name, 0)
            yield (*head, name, yuan(before), yuan(after), yuan(change))


def _write_csv(found: "Sequence[Affected]") -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(_COLUMNS)
    writer.writerows(_rows(found))


def _print(found: "Sequence[Affected]") -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("settlement", "member", "day", "because of", "amount", "settled", "again", "±")
    for column in table.columns[5:]:
        column.justify = "right"
    before = ""
    for row in _rows(found):
        settlement, member, _, _, _, day, causes, *amounts = (escape(cell) for cell in row)
        head = ("", "", "", "") if settlement == before else (settlement, member, day, causes)
        table.add_row(*head, *amounts)
        before = settlement
    if found:
        print_whole(console, table)
    console.print(f"{len(found)} living settlements would come out otherwise", highlight=False)
    for name, total in _totals(found).items():
        console.print(f"  {name}: {total}", highlight=False)
