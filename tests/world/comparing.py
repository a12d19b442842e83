"""Each institution holds its notebook against the platform's over the wire: 3201, then 3202."""

import base64
import io
import zipfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import product
from typing import Any

from tests.world.institution import Institution
from tests.world.notebook import Row
from yibao.client import Answer
from yibao.kernel.money import yuan
from yibao.sandbox.books import Amounts

EQUAL = "000000"
_CLASSES = ("11", "21", "41")
_SCHEMES = ("310", "390")


async def compared(institution: Institution, office: str) -> list[str]:
    """Differences that 3201 and 3202 tell, as sentences."""
    found: list[str] = []
    rows_of: dict[date, list[Row]] = defaultdict(list)
    for row in institution.notebook.rows():
        rows_of[row.day].append(row)
    for day, rows in sorted(rows_of.items()):
        what = f"of {institution.code} on {day}"
        # every scheme and class, also those in which the notebook has nothing
        for scheme, cleared_as in product(_SCHEMES, _CLASSES):
            own = [row for row in rows if (row.scheme, row.cleared_as) == (scheme, cleared_as)]
            data = {"insutype": scheme, "clr_type": cleared_as, **_span(day, office, own)}
            info = (await _ask(institution, "3201", {"data": data}))["stmtinfo"]
            if info["stmt_rslt"] != EQUAL:
                found.append(f"3201 {what}, {scheme}/{cleared_as}: {info['stmt_rslt_dscr']}")
        answers = await _line_by_line(institution, rows, _span(day, office, rows))
        found += [f"3202 {what}: {answer}" for answer in answers if answer[4] != EQUAL]
    return found


async def _line_by_line(
    institution: Institution, rows: Sequence[Row], data: Mapping[str, Any]
) -> list[list[str]]:
    """The rows of the file that answers 3202, which knows of no scheme and no class."""
    own = {"fixmedins_code": institution.code}
    sent = {**own, "filename": "day.zip", "in": base64.b64encode(_zipped(rows)).decode()}
    number = (await _ask(institution, "9101", {"fsUploadIn": sent}))["file_qury_no"]
    wanted = {**data, "file_qury_no": number, "cash_payamt": "0"}
    answer = (await _ask(institution, "3202", {"data": wanted}))["fileinfo"]
    wanted = {**own, "file_qury_no": answer["file_qury_no"], "filename": answer["filename"]}
    file = (await _done(institution, "9102", {"fsDownloadIn": wanted})).file or b""
    with zipfile.ZipFile(io.BytesIO(file)) as zipped:
        text = zipped.read(zipped.namelist()[0]).decode()
    return [line.split("\t") for line in text.splitlines()]


def _span(day: date, office: str, rows: Sequence[Row]) -> dict[str, Any]:
    """A day and its sums."""
    amounts = sum((row.amounts for row in rows), Amounts())
    return {
        "setl_optins": office,
        "stmt_begndate": f"{day}",
        "stmt_enddate": f"{day}",
        "medfee_sumamt": yuan(amounts.total),
        "fund_pay_sumamt": yuan(amounts.funds),
        "acct_pay": yuan(amounts.account),
        "fixmedins_setl_cnt": len(rows),
    }


def _zipped(rows: Sequence[Row]) -> bytes:
    """The rows as 3202 wants them."""
    text = "".join("\t".join(_columns(row)) + "\n" for row in rows)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("day.txt", text)
    return packed.getvalue()


async def _ask(institution: Institution, infno: str, content: dict[str, Any]) -> Mapping[str, Any]:
    return (await _done(institution, infno, content)).output


async def _done(institution: Institution, infno: str, content: dict[str, Any]) -> Answer:
    """Raises NotDone: a comparison that cannot be made is no comparison."""
    answer = await institution.ask(infno, content)
    answer.done()
    return answer


def _columns(row: Row) -> list[str]:
    amounts = (row.amounts.total, row.amounts.funds, row.amounts.account)
    return [row.settlement, row.visit, row.person, *map(yuan, amounts), "1" if row.refund else "0"]
