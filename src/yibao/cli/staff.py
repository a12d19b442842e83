"""``yibao staff``: enter an institution's practitioners from a CSV file, and list them."""

import csv
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yibao.cli.law import AsJson, console, echo_json, tell

if TYPE_CHECKING:
    from yibao.platform.database import Database
    from yibao.registry.staff.model import Practitioner

COLUMNS = (
    "code", "kind", "name", "document_type", "document_number", "begin", "end", "contracted",
    "own_number", "qualification", "licence",
)  # fmt: skip
"""Columns of the file, in any order; from ``end`` on they may be left empty or out."""
_NEEDED = COLUMNS[:6]

staff_cli = typer.Typer(
    name="staff", help="Practitioners of institutions (医执人员).", no_args_is_help=True
)
Code = Annotated[str, typer.Argument(help="Institution code (定点医药机构编号).")]
DataFolder = Annotated[
    Path | None, typer.Option("--data", help="Folder of the database and run-time files.")
]


@staff_cli.command("import")
def enter(
    institution: Code,
    file: Annotated[Path, typer.Argument(help="CSV, UTF-8: " + ", ".join(COLUMNS))],
    data: DataFolder = None,
) -> None:
    """Enter practitioners: kind 1 doctor, 2 nurse, 3 pharmacist, 4 technician; contracted 1 or 0.

    The same file once more changes nothing.

    Example: yibao staff import H11010199001 staff.csv
    """
    from yibao.cli.on_database import on_database, told_faults
    from yibao.platform.clock import SystemClock
    from yibao.platform.crypto import Vault, load_key
    from yibao.platform.settings import load_settings
    from yibao.registry.staff.service import engage

    try:
        people = read_practitioners(file)
    except (OSError, ValueError) as fault:
        tell(f"{file}: {fault}")
        raise typer.Exit(2) from None

    async def work(database: "Database") -> int:
        async with database.writer() as connection, connection.transaction():
            now = SystemClock().now()
            return await engage(connection, vault, institution, people, now=now)

    with told_faults():
        settings = load_settings({"data": data})
        vault = Vault(load_key(settings))
        recorded = on_database(settings, work)
    console.print(f"{len(people)} practitioners, {recorded} records written")


@staff_cli.command("list")
def show(institution: Code, data: DataFolder = None, as_json: AsJson = False) -> None:
    """List an institution's practitioners; documents are not shown."""
    from yibao.cli.on_database import on_database, told_faults
    from yibao.platform.crypto import Vault, load_key
    from yibao.platform.settings import load_settings
    from yibao.registry.staff.service import practitioners_of

    async def work(database: "Database") -> "list[Practitioner]":
        async with database.reader([institution]) as connection:
            return await practitioners_of(connection, vault, institution)

    with told_faults(as_json):
        settings = load_settings({"data": data})
        vault = Vault(load_key(settings))
        found = on_database(settings, work)
    rows = [
        {
            "code": one.code,
            "kind": one.kind.value,
            "name": one.name,
            "begin": one.period.start.isoformat(),
            "end": None if one.period.end is None else one.period.end.isoformat(),
            "contracted": one.contracted,
        }
        for one in found
    ]
    if as_json:
        echo_json(rows)
    else:
        _print(rows)


def read_practitioners(file: Path) -> "list[Practitioner]":
    """The practitioners of a file; ValueError names line and column of the first fault."""
    with file.open(encoding="utf-8-sig", newline="") as opened:
        reader = csv.DictReader(opened)
        unknown = set(reader.fieldnames or ()) - set(COLUMNS)
        missing = set(_NEEDED) - set(reader.fieldnames or ())
        if unknown or missing:
            raise ValueError(
                f"line 1: unknown columns {sorted(unknown)}, missing {sorted(missing)}"
            )
        return [_practitioner(line, row) for line, row in enumerate(reader, 2)]


def _practitioner(line: int, row: Mapping[str, str | None]) -> "Practitioner":
    from yibao.kernel.periods import Period
    from yibao.registry.staff.model import Practitioner, PractitionerKind

    values = {name: (row.get(name) or "").strip() for name in COLUMNS}
    for name in _NEEDED:
        if not values[name]:
            raise ValueError(f"line {line}: {name} is empty")
    try:
        kind = PractitionerKind(values["kind"])
        begin = date.fromisoformat(values["begin"])
        end = date.fromisoformat(values["end"]) if values["end"] else None
    except ValueError as fault:
        raise ValueError(f"line {line}: {fault}") from None
    if end is not None and end <= begin:
        raise ValueError(f"line {line}: end is not after begin")
    return Practitioner(
        code=values["code"],
        kind=kind,
        name=values["name"],
        document_type=values["document_type"],
        document_number=values["document_number"],
        period=Period(begin, end),
        contracted=values["contracted"] != "0",
        own_number=values["own_number"] or None,
        qualification=values["qualification"] or None,
        licence=values["licence"] or None,
    )


def _print(rows: Sequence[Mapping[str, object]]) -> None:
    from rich.table import Table

    table = Table("code", "kind", "name", "begin", "end", "contracted")
    for row in rows:
        table.add_row(*(str(value) if value is not None else "" for value in row.values()))
    console.print(table)
