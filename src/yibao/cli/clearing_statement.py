"""``yibao clearing statement``: an institution's month (月结算对账单) as table, CSV, page, PDF."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from yibao.cli.clearing import (
    application_row,
    read_books,
    show_rows,
    totals_row,
    write_file,
    yuan_or_none,
)
from yibao.cli.law import AsJson, console, echo_json, tell

if TYPE_CHECKING:
    from asyncpg import Connection

    from yibao.clearing.statements.model import Statement
    from yibao.registry.institutions.model import Directory

DataFolder = Annotated[
    Path | None, typer.Option("--data", help="Folder of the database and run-time files.")
]


class Form(StrEnum):
    """How a statement is told."""

    TABLE = "table"
    CSV = "csv"
    PDF = "pdf"
    HTML = "html"


class Language(StrEnum):
    """The words of a statement."""

    CHINESE = "zh"
    ENGLISH = "en"


def statement(
    institution: Annotated[str, typer.Argument(help="Institution code (定点医药机构编号).")],
    month: Annotated[
        str | None, typer.Option(help="Month, such as 2026-10; left out: the last that is over.")
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="How it is told.")] = Form.TABLE,
    language: Annotated[Language, typer.Option(help="Words of html and pdf.")] = Language.CHINESE,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write; left out: printed.")
    ] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """An institution's month (月结算对账单): totals, clearing and accounts, equal to the ledger.

    Example: yibao clearing statement H11010599001 --month 2026-10 --format pdf --out october.pdf
    """
    from yibao.clearing.statements import as_csv, as_html, as_pdf, service

    if form is Form.PDF and out is None:
        tell("a PDF needs --out FILE")
        raise typer.Exit(2)

    async def work(
        connection: "Connection[Any]", _: Any, directory: "Directory", now: datetime
    ) -> "Statement":
        wanted = month or service.month_before(now)
        return await service.statement(connection, directory, institution, wanted, now)

    made = read_books(data, work, as_json=as_json)
    if as_json:
        echo_json(_as_json(made))
        return
    if form is Form.TABLE:
        if out is not None:
            tell("a table is printed; a file needs --format csv, html or pdf")
            raise typer.Exit(2)
        _print(made)
        return
    content = {
        Form.CSV: lambda: as_csv.written(made).encode(),
        Form.HTML: lambda: as_html.page(made, language.value).encode(),
        Form.PDF: lambda: as_pdf.written(made, language.value),
    }[form]()
    if out is None:
        typer.echo(content.decode(), nl=False)
    else:
        console.print(f"{write_file(out, content)}: {len(content)} bytes")


def _print(made: "Statement") -> None:
    from yibao.clearing.statements.words import StatementWords
    from yibao.kernel.money import yuan

    t = StatementWords(Language.ENGLISH)
    console.print(f"{t('title')} {made.month}: {made.institution} {made.name}")
    console.print(f"{made.first_day} – {made.last_day}, {made.bureau}")
    rows = [totals_row(row) for row in made.totals]
    show_rows("settlements", rows)
    console.print(
        t(
            "ledger_differs" if made.unexplained else "ledger_agrees",
            claimed=t.money(made.ledger_claimed),
            cash=t.money(made.ledger_collected),
            difference=t.money(made.unexplained),
        )
    )
    cleared = [
        dict(application_row(one.application))
        | {
            name: yuan(getattr(one.review.granted, name)) if one.review else None
            for name in ("deducted", "withheld", "payable", "set_off", "due")
        }
        for one in made.cleared
    ]
    show_rows("applications", cleared)
    purses = [
        {
            "account": t(purse.name),
            "opening": yuan(purse.opening),
            "moved": yuan(purse.closing - purse.opening),
            "closing": yuan(purse.closing),
            "now": yuan(purse.now),
        }
        for purse in made.purses
    ]
    show_rows("accounts", purses)


def _as_json(made: "Statement") -> Mapping[str, Any]:
    return {
        "institution": made.institution,
        "name": made.name,
        "month": made.month,
        "from": made.first_day.isoformat(),
        "to": made.last_day.isoformat(),
        "totals": [totals_row(row) for row in made.totals],
        "days": [totals_row(row) for row in made.days],
        "ledger_claimed": yuan_or_none(made.ledger_claimed),
        "ledger_collected": yuan_or_none(made.ledger_collected),
        "unexplained": yuan_or_none(made.unexplained),
        "applications": [
            dict(application_row(one.application))
            | {
                "review": one.review
                and {
                    name: yuan_or_none(value)
                    for name, value in asdict(one.review.granted).items()
                    if name != "retention_rate"
                }
            }
            for one in made.cleared
        ],
        "accounts": {
            purse.name: {
                "opening": yuan_or_none(purse.opening),
                "closing": yuan_or_none(purse.closing),
                "now": yuan_or_none(purse.now),
            }
            for purse in made.purses
        },
    }
