"""Pages of institutions: what each month came to, to read, print and download."""

import asyncio
from datetime import date

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from yibao.clearing.statements import as_csv, as_html, as_pdf
from yibao.clearing.statements.model import Statement
from yibao.clearing.statements.service import month_before, statement
from yibao.clearing.statements.words import StatementWords
from yibao.kernel.periods import add_months, business_date
from yibao.kernel.refusals import Refused
from yibao.web.model import Desk
from yibao.web.pages import Asked, AtDesk, page, words_for


@get("/ui/institutions")
async def list_institutions(request: Asked, desk: AtDesk) -> Response[str]:
    """The designated institutions, with their statements of this month and the last."""
    async with desk.context.database.reader(None) as connection:
        reference = await desk.context.references.current(connection)
    now = desk.tools.now()
    known = reference.directory.institutions
    values = {
        "institutions": [known[code] for code in sorted(known)],
        "months": [f"{business_date(now):%Y-%m}", month_before(now)],
    }
    return page(request, desk, "institutions.html", values)


@get("/ui/institutions/{code:str}/statement")
async def show_statement(
    request: Asked, desk: AtDesk, code: FromPath[str], month: FromQuery[str] = ""
) -> Response[str]:
    """The statement of a month (月结算对账单) as a page that prints well."""
    made = await _statement(desk, code, month)
    language = words_for(request).language
    first = date.fromisoformat(f"{made.month}-01")
    values = {
        "words": StatementWords(language),
        "code": code,
        "month": made.month,
        "before": f"{add_months(first, -1):%Y-%m}",
        "after": f"{add_months(first, 1):%Y-%m}",
        "fragment": as_html.fragment(made, language),
    }
    return page(request, desk, "statement.html", values)


@get("/ui/institutions/{code:str}/statement.csv")
async def download_csv(
    desk: AtDesk, code: FromPath[str], month: FromQuery[str] = ""
) -> Response[bytes]:
    """The statement as one table."""
    made = await _statement(desk, code, month)
    return _file(made, "csv", "text/csv; charset=utf-8", as_csv.written(made).encode())


@get("/ui/institutions/{code:str}/statement.pdf")
async def download_pdf(
    request: Asked, desk: AtDesk, code: FromPath[str], month: FromQuery[str] = ""
) -> Response[bytes]:
    """The statement to print."""
    made = await _statement(desk, code, month)
    # a large month takes a while: other calls of this process go on meanwhile
    content = await asyncio.to_thread(as_pdf.written, made, words_for(request).language)
    return _file(made, "pdf", "application/pdf", content)


async def _statement(desk: Desk, code: str, month: str) -> Statement:
    now = desk.tools.now()
    async with desk.context.database.reader(None) as connection:
        reference = await desk.context.references.current(connection)
        try:
            return await statement(
                connection, reference.directory, code, month or month_before(now), now
            )
        except Refused:
            raise NotFoundException("institutions.unknown") from None


def _file(made: Statement, ending: str, kind: str, content: bytes) -> Response[bytes]:
    name = f"statement-{made.institution}-{made.month}.{ending}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=kind, headers=headers)


HANDLERS = [list_institutions, show_statement, download_csv, download_pdf]
