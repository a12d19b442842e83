"""Catalogue download by version (目录下载, 1301 …); queries by page are in ``catalogue_queries``.

A version is the instant of a change, written in 20 digits. A file's number holds the list and two
versions, so that a file is made when it is fetched and nothing needs to be stored or to expire.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from yibao.gateway.catalogue_columns import FILES, CatalogueFile
from yibao.gateway.context import Call, Context, FileAnswer
from yibao.gateway.dispatch import Handle, transaction
from yibao.gateway.writing import day as written_day
from yibao.gateway.writing import flag, moment
from yibao.kernel.periods import business_date
from yibao.platform.files import service as files
from yibao.registry.catalogue import service as catalogue
from yibao.registry.catalogue.model import CodeList, Listed

OFFERED_FOR = timedelta(days=7)
"""``dld_end_time``: a promise, not a limit; a catalogue file can be made again at any time."""

_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_VERSION_FORM = "%Y%m%d%H%M%S%f"
_VERSION_DIGITS = 20
_NUMBER_BEGIN = "ML"
_INSTANT_DIGITS = 11
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


# ---------------------------------------------------------------------------------------- versions


def version_of(instant: datetime) -> str:
    """``ver`` of what changed at an instant."""
    return instant.astimezone(UTC).strftime(_VERSION_FORM)


def _after(version: str) -> datetime | None:
    """The instant after which changes are wanted; None for a version that is not ours."""
    if not version.strip("0"):
        return _BEGINNING
    if len(version) != _VERSION_DIGITS or not version.isascii() or not version.isdigit():
        return None
    try:
        return datetime.strptime(version, _VERSION_FORM).replace(tzinfo=UTC)
    except ValueError:
        return None


def _number(transaction_number: str, after: datetime, until: datetime) -> str:
    return _NUMBER_BEGIN + transaction_number + _packed(after) + _packed(until)


def _packed(instant: datetime) -> str:
    """Microseconds since the beginning, in 11 digits of base 36: a number has 30 at most."""
    value = max((instant - _BEGINNING) // timedelta(microseconds=1), 0)
    digits = ""
    for _ in range(_INSTANT_DIGITS):
        value, digit = divmod(value, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits


def _unpacked(digits: str) -> datetime:
    """The instant again; 11 digits of base 36 end in the year 6171."""
    return _BEGINNING + timedelta(microseconds=int(digits, len(_DIGITS)))


# --------------------------------------------------------------------------------------- download


def _download(number: str, file: CatalogueFile) -> Handle:
    async def download(call: Call) -> Any:
        """The list's rows that changed after a version (0: all), as a file for 9102."""
        data = call.input["data"]
        version = data.get("ver", "0")
        after = _after(version)
        if after is None:
            call.progress.warning = f"版本号{version}不是本平台的版本，返回全量目录"
            after = _BEGINNING
        count, until = 0, None
        if file.source is not None:
            async with call.context.database.reader([call.institution.code]) as connection:
                count, until = await catalogue.last_change(connection, file.source, after)
        if not count:
            call.progress.warning = _nothing(file, after)
        ends = call.received + OFFERED_FOR
        return {
            "file_qury_no": _number(number, after, until or after),
            "filename": _file_name(number, until or after),
            "dld_end_time": written_day(business_date(ends)),
            "dld_endtime": moment(ends),
            "data_cnt": count,
        }

    return download


def _nothing(file: CatalogueFile, after: datetime) -> str:
    if after == _BEGINNING:
        return f"本平台没有{file.title}的数据，文件为空"
    return f"{file.title}自版本{version_of(after)}以来没有变化，文件为空"


def _file_name(number: str, until: datetime) -> str:
    return f"{number}_{version_of(until)}.zip"


for _transaction, _file in FILES.items():
    transaction(_transaction)(_download(_transaction, _file))


# ---------------------------------------------------------------------------------------- content


async def file_behind(context: Context, number: str) -> FileAnswer | None:
    """The catalogue file that a query number names; None when it names none."""
    kind, instants = number[2:6], number[6:]
    if not number.startswith(_NUMBER_BEGIN) or kind not in FILES:
        return None
    if len(instants) != 2 * _INSTANT_DIGITS or not set(instants) <= set(_DIGITS):
        return None
    after, until = _unpacked(instants[:_INSTANT_DIGITS]), _unpacked(instants[_INSTANT_DIGITS:])
    if after > until:
        return None
    name = _file_name(kind, until)

    async def make() -> bytes:
        return await _made(context, name, FILES[kind], after, until)

    return FileAnswer(name, await context.made_files.get(number, make))


async def _made(
    context: Context, name: str, file: CatalogueFile, after: datetime, until: datetime
) -> bytes:
    """The packed table, made portion by portion in threads: no call waits for a whole list."""
    table: list[bytes] = []
    if file.source is not None:
        async with context.database.reader([]) as connection:
            portions = catalogue.changes(connection, file.source, after, until)
            table = [await asyncio.to_thread(_lines, file, rows) async for rows in portions]
    text = b"".join(table)
    return await asyncio.to_thread(files.packed, f"{name.removesuffix('.zip')}.txt", text)


def _lines(file: CatalogueFile, rows: Sequence[Listed]) -> bytes:
    places = {column: place for place, (column, _) in enumerate(file.columns)}
    lines = []
    for row in rows:
        line = ["null"] * len(places)
        for column, value in _values(file.source, row):
            if value:
                line[places[column]] = value
        lines.append("\t".join(line) + "\n")
    return "".join(lines).encode()


Values = tuple[tuple[str, str], ...]
"""What we know of a row, by official field; the same fields mean the same in every file."""


def _values(source: CodeList | None, row: Listed) -> Values:
    name = row.name
    if not name.isprintable():  # a TAB or a line break in it would break the table
        name = " ".join(name.split())
    values = (("vali_flag", flag(row.valid)), ("rid", str(row.row)))
    times = _times(source, row.valid, row.listed_at, row.changed_at)
    return values + times + _NAMED[source](row, name)


@lru_cache(maxsize=256)  # an import gives all its rows the same times
def _times(source: CodeList | None, valid: bool, listed: datetime, changed: datetime) -> Values:
    begin = written_day(business_date(listed)) or ""
    times: Values = (("ver", version_of(changed)), ("ver_name", f"Yibao {begin}"))
    if source is not CodeList.SERVICES:  # whose file has no columns for them
        times += (("crte_time", moment(listed)), ("updt_time", moment(changed)))
    if source in _DATED:
        end = "" if valid else written_day(business_date(changed)) or ""
        times += (("begndate", begin), ("enddate", end))
    return times


_DATED = (CodeList.DRUGS, CodeList.SLICES, CodeList.SERVICES)


def _drug(row: Listed, name: str) -> Values:
    return (
        ("med_list_codg", row.code),
        ("drug_prodname", name),
        ("drug_genname", name),
        ("reg_name", name),
        ("tcmpat_flag", flag(row.code.startswith("Z"))),
    )


def _slice(row: Listed, name: str) -> Values:
    return ("med_list_codg", row.code), ("tcmherb_name", name), ("mlms_name", name)


def _service(row: Listed, name: str) -> Values:
    return ("med_list_codg", row.code), ("servitem_name", name)


def _diagnosis(row: Listed, name: str) -> Values:
    return (
        ("diag_id", str(row.row)),
        ("cgy_code", row.code[:3]),
        ("sor_code", row.code[:5]),
        ("diag_code", row.code),
        ("diag_name", name),
        ("used_std", "1"),
    )


def _procedure(row: Listed, name: str) -> Values:
    return (
        ("oprn_std_list_id", str(row.row)),
        ("cgy_code", row.code[:2]),
        ("sor_code", row.code[:4]),
        ("dtls_code", row.code[:5]),
        ("oprn_oprt_code", row.code),
        ("oprn_oprt_name", name),
        ("used_std", "1"),
    )


def _case_group(row: Listed, name: str) -> Values:
    return (
        ("bydise_setl_list_id", str(row.row)),
        ("bydise_setl_list_code", row.code),
        ("bydise_setl_dise_name", name),
        ("memo", "CHS-DRG 1.1"),
    )


_NAMED: dict[CodeList | None, Callable[[Listed, str], Values]] = {
    CodeList.DRUGS: _drug,
    CodeList.SLICES: _slice,
    CodeList.SERVICES: _service,
    CodeList.DIAGNOSES: _diagnosis,
    CodeList.PROCEDURES: _procedure,
    CodeList.CASE_GROUPS: _case_group,
}
