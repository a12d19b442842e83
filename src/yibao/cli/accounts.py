"""``yibao accounts``: personal accounts (个人账户): credit a month, close a year, show one.

What clerks do to single accounts (freeze, close, inherit …) is ``yibao bureau propose``.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from yibao.cli.law import AsJson, console, echo_json, errors, tell
from yibao.cli.printing import print_whole

if TYPE_CHECKING:
    from yibao.accounts.credits.model import Run
    from yibao.accounts.credits.service import Desk
    from yibao.accounts.showing import Account
    from yibao.kernel.areas import Pool
    from yibao.registry.family.model import FamilyLink

accounts_cli = typer.Typer(
    name="accounts",
    help="Personal accounts (个人账户): credit a month, close a year, show one.",
    no_args_is_help=True,
)

DataFolder = Annotated[
    Path | None, typer.Option("--data", help="Folder of the database and run-time files.")
]
PoolOption = Annotated[str, typer.Option("--pool", help="Pool (统筹区), six characters.")]
SHOWN = 20
"""Members listed of whom it could not be said what is due."""


@accounts_cli.command()
def credit(
    pool: PoolOption,
    month: Annotated[
        datetime, typer.Option("--month", formats=["%Y-%m"], help="Month, e.g. 2026-07.")
    ],
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Credit a month to all accounts of a pool (月度划入); run again, it goes on where it was.

    Example: yibao accounts credit --pool 110000 --month 2026-07
    """
    from yibao.accounts.credits import service

    async def work(desk: "Desk", told: Callable[["Run"], None]) -> "Run":
        return await service.credit_month(desk, await _pool(desk, pool), month.date(), told)

    _tell_run(_run(data, work, as_json=as_json), "credited", as_json=as_json)


@accounts_cli.command("close-year")
def close_year(
    pool: PoolOption,
    year: Annotated[int, typer.Option("--year", help="Account year (账户年度) that has ended.")],
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Carry what is left of a year over (年度结转), with interest where the law has a rate.

    Example: yibao accounts close-year --pool 110000 --year 2025
    """
    from yibao.accounts.credits import service

    async def work(desk: "Desk", told: Callable[["Run"], None]) -> "Run":
        return await service.close_year(desk, await _pool(desk, pool), year, told)

    _tell_run(_run(data, work, as_json=as_json), "paid as interest", as_json=as_json)


@accounts_cli.command()
def show(
    person: Annotated[str, typer.Argument(help="Number of the person (人员编号, psn_no).")],
    entries: Annotated[int, typer.Option(min=0, help="Latest entries shown.")] = 20,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show a person's account: parts, state, links, events and the latest entries.

    Example: yibao accounts show 11000000000000000001
    """
    from yibao.accounts.showing import account_of

    async def work(desk: "Desk", _: Callable[["Run"], None]) -> "Account | None":
        async with desk.database.reader(None) as connection:
            return await account_of(connection, person, entries)

    found = _run(data, work, as_json=as_json)
    if found is None:
        tell(f"there is no person {person}")
        raise typer.Exit(1)
    if as_json:
        echo_json(_plain(found))
    else:
        _print(found)


Work = Callable[["Desk", Callable[["Run"], None]], Awaitable[Any]]


async def _pool(desk: "Desk", named: str) -> "Pool":
    from yibao.cli.naming import known_pool

    async with desk.database.reader(None) as connection:
        return await known_pool(connection, named)


def _run(data: Path | None, work: Work, *, as_json: bool) -> Any:
    """What the work makes of the database; faults are told without a traceback."""
    from yibao.accounts.credits.service import Desk
    from yibao.cli.clerking import clock_of
    from yibao.cli.on_database import on_database, told_faults
    from yibao.kernel.refusals import Refused
    from yibao.platform.crypto import Vault, load_key
    from yibao.platform.settings import load_settings
    from yibao.policy.load import load_law_book
    from yibao.registry.service import ReferenceCache

    with told_faults(as_json), _progress(as_json) as told:
        settings = load_settings({"data": data})
        vault = Vault(load_key(settings))
        references = ReferenceCache(vault, load_law_book(settings.law))

        async def whole(database: Any) -> Any:
            return await work(Desk(database, clock_of(settings), references, vault), told)

        try:
            return on_database(settings, whole)
        except Refused as refused:
            tell(refused.refusal.message)
            raise typer.Exit(1) from None


@contextmanager
def _progress(as_json: bool) -> Iterator[Callable[["Run"], None]]:
    """One line that counts, on a terminal alone."""
    if as_json or not errors.is_terminal:
        yield lambda _: None
        return
    with errors.status("…") as line:
        yield lambda run: line.update(f"{run.members:,} members, {run.rows:,} rows")


def _tell_run(run: "Run", what: str, *, as_json: bool) -> None:
    from yibao.kernel.money import yuan

    if as_json:
        echo_json(
            {
                "members": run.members,
                "rows": run.rows,
                "amount": yuan(run.amount),
                "skipped": [
                    {"member": one.member, "month": one.month.isoformat(), "reason": one.reason}
                    for one in run.skipped
                ],
            }
        )
        return
    console.print(f"{run.members} members, {run.rows} rows, {yuan(run.amount)} yuan {what}")
    if run.skipped:
        table = Table("member", "month", "not possible, because")
        for one in run.skipped[:SHOWN]:
            table.add_row(one.member, f"{one.month:%Y-%m}", one.reason)
        print_whole(console, table)
        if len(run.skipped) > SHOWN:
            console.print(f"… and {len(run.skipped) - SHOWN} more; --json lists them all")


def _plain(found: "Account") -> dict[str, Any]:
    from yibao.kernel.money import yuan

    def link(one: "FamilyLink", other: Mapping[str, str]) -> dict[str, Any]:
        return {
            "link": one.number,
            **other,
            "relation": one.relation,
            "place": one.place,
            "bill_limit": None if one.bill_limit is None else yuan(one.bill_limit),
            "year_limit": None if one.year_limit is None else yuan(one.year_limit),
            "from": _text(one.period.start),
            "until": _text(one.period.end),
        }

    return {
        "person": found.member,
        "pool": found.pool,
        "balance": yuan(found.balance),
        "available": yuan(found.available),
        "owed": yuan(found.owed),
        "parts": [
            {
                "part": part.name,
                "amount": yuan(part.amount),
                "held": yuan(part.held),
                "state": part.state.value,
            }
            for part in found.parts
        ],
        "pays_for": [
            link(one, {"relative": " ".join(found.relatives[one.relative])})
            for one in found.pays_for
        ],
        "paid_by": [link(one, {"owner": one.member}) for one in found.paid_by],
        "events": [
            {"day": _text(one.day), "kind": one.kind.value, "reason": one.reason}
            for one in found.events
        ],
        "entries": [
            {
                "day": _text(one.day),
                "part": one.part,
                "amount": yuan(one.amount),
                "posting": one.posting,
                "for": one.kind,
            }
            for one in found.entries
        ],
    }


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _print(found: "Account") -> None:
    told = _plain(found)
    console.print(
        f"{found.member} in pool {found.pool}: {told['balance']} yuan,"
        f" {told['available']} of it can be spent, owed {told['owed']}"
    )
    for name in ("parts", "pays_for", "paid_by", "events", "entries"):
        rows = told[name]
        if not rows:
            continue
        table = Table(*rows[0], title=name.replace("_", " "))
        for row in rows:
            table.add_row(*("" if cell is None else str(cell) for cell in row.values()))
        print_whole(console, table)
