"""Patients who pay all themselves (自费病人): 4201 to 4206 upload and delete, 4207 to 4209 query.

Sources name these transactions without tables; rows are told apart by what they hold, whatever the
node is called: a fee line has a serial number or an item, a diagnosis a diagnosis code, and what is
left and names the patient is the visit.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from yibao.gateway.context import Call, missing
from yibao.gateway.dispatch import transaction
from yibao.gateway.documents import (
    Fields,
    check_institution,
    document_of,
    objects,
    values_of,
    written,
)
from yibao.kernel.areas import NO_PERSON_POOL
from yibao.kernel.frozen import replace
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.uploads.self_paid.model import KeepSelfPaid, Piece, SelfPaidVisit
from yibao.uploads.service import self_paid_visit

OWN_VISIT = ("fixmedins_mdtrt_id", "医药机构就诊ID")
SERIALS = ("bkkp_sn", "feedetl_sn")
"""记账流水号 of inpatients, 费用明细流水号 of outpatients."""
LINE_FIELDS = frozenset({*SERIALS, "med_list_codg", "medins_list_codg", "det_item_fee_sumamt"})
DIAGNOSIS_FIELD = "diag_code"
VISIT_FIELDS = frozenset({"psn_name", "begntime", "med_type", "certno", "ipt_otp_no"})
ALL = "0000"
COMPLETE = {"1": True, "0": False}
DEFAULT_PAGE = 100
LARGEST_PAGE = 1000


# ------------------------------------------------------------------------------------------- upload


@transaction("4201")
async def upload_fees(call: Call) -> Any:
    """Upload a self-paying patient's fees (自费病人费用信息上传)."""
    await _upload(call)


@transaction("4201A")
async def upload_inpatient_lines(call: Call) -> Any:
    """Upload a self-paying inpatient's fee lines (自费病人住院费用明细信息上传)."""
    await _upload(call)


@transaction("4202")
async def upload_inpatient_visit(call: Call) -> Any:
    """Upload a self-paying inpatient's visit and diagnoses (自费病人住院就诊和诊断信息上传)."""
    await _upload(call)


@transaction("4205")
async def upload_outpatient_visit(call: Call) -> Any:
    """Upload a self-paying outpatient's visit (自费病人门诊就医信息上传)."""
    await _upload(call)


@transaction("4203")
async def mark_complete(call: Call) -> Any:
    """Say that a visit's upload is complete, or goes on after all (上传完成)."""
    content = _content(call)
    flags = values_of(content, "cplt_flag") or ["1"]
    if len(flags) > 1 or flags[0] not in COMPLETE:
        raise Refused(
            RefusalCode.FIELD_INVALID,
            "cplt_flag（完成标志）应为1（完成）或0（未完成）",
            "cplt_flag",
        )
    complete = COMPLETE[flags[0]]
    pieces = tuple(Piece(visit, complete=complete) for visit in _own_visits(content))
    await _keep(call, content, pieces)


@transaction("4204")
async def delete_lines(call: Call) -> Any:
    """Delete fee lines by serial number, or all of a visit (自费病人住院费用明细删除)."""
    content = _content(call)
    own_visits = _own_visits(content)
    named: dict[str, list[str]] = defaultdict(list)
    for row in objects(content):
        named[str(row.get(OWN_VISIT[0], own_visits[0]))] += _serials(row)
    pieces = [
        Piece(visit, removed_lines=tuple(dict.fromkeys(serials)))
        if (serials := [one for one in named[visit] if one != ALL])
        else Piece(visit, removes_lines=True)
        for visit in own_visits
    ]
    await _keep(call, content, tuple(pieces))


@transaction("4206")
async def delete_outpatient_visit(call: Call) -> Any:
    """Delete a visit with all that was uploaded of it (自费病人门诊就医信息删除)."""
    content = _content(call)
    pieces = tuple(Piece(visit, removes_all=True) for visit in _own_visits(content))
    await _keep(call, content, pieces)


async def _upload(call: Call) -> None:
    content = _content(call)
    own_visits = _own_visits(content)
    rows: dict[str, list[Fields]] = defaultdict(list)
    for row in objects(content):
        rows[str(row.get(OWN_VISIT[0], own_visits[0]))].append(row)
    pieces = tuple(_piece(visit, rows[visit]) for visit in own_visits)
    if not any(piece.visits or piece.diagnoses or piece.lines for piece in pieces):
        raise missing("input", "自费病人就诊、诊断或费用明细")
    await _keep(call, content, pieces)


def _piece(own_visit: str, rows: list[Fields]) -> Piece:
    visits: list[Fields] = []
    diagnoses: list[Fields] = []
    lines: dict[str, Fields] = {}
    for row in (_flat(row) for row in rows):
        if LINE_FIELDS & row.keys():
            _add_line(lines, row)
        elif DIAGNOSIS_FIELD in row:
            diagnoses.append(row)
        elif VISIT_FIELDS & row.keys():
            visits.append(row)
    return Piece(own_visit, tuple(visits), tuple(diagnoses), tuple(lines.items()))


def _flat(row: Fields) -> Fields:
    """A row without the rows inside it, which stand for themselves."""
    return {name: value for name, value in row.items() if not isinstance(value, dict | list)}


def _add_line(lines: dict[str, Fields], row: Fields) -> None:
    serials = _serials(row)
    if not serials:
        raise missing(SERIALS[0], "记账流水号")
    if lines.setdefault(serials[0], row) != row:
        raise Refused(
            RefusalCode.LINE_DUPLICATE,
            f"{SERIALS[0]}（记账流水号）{serials[0]} 在一次上传中出现两次且内容不同",
            SERIALS[0],
        )


def _serials(row: Fields) -> list[str]:
    """The serial number of a row, or those of a list of them."""
    for name in SERIALS:
        value = row.get(name)
        if isinstance(value, list):
            return [str(one) for one in value]
        if value is not None:
            return [str(value)]
    return []


# ------------------------------------------------------------------------------------------ queries


@transaction("4207")
async def list_lines(call: Call) -> Any:
    """A visit's fee lines (自费病人就医费用明细查询)."""
    content, visit = await _standing(call)
    return _page(content, list((visit.lines or {}).values()))


@transaction("4208")
async def show_visit(call: Call) -> Any:
    """A visit as uploaded (自费病人就医就诊信息查询)."""
    content, visit = await _standing(call)
    done = {"cplt_flag": "1" if visit.complete else "0"}
    return _page(content, [dict(row) | done for row in visit.visits])


@transaction("4209")
async def list_diagnoses(call: Call) -> Any:
    """A visit's diagnoses (自费病人就医诊断信息查询)."""
    content, visit = await _standing(call)
    return _page(content, list(visit.diagnoses))


async def _standing(call: Call) -> tuple[Fields, SelfPaidVisit]:
    content = _content(call)
    own_visit = _own_visits(content)[0]
    institution = call.institution.code
    async with call.context.database.reader([institution]) as connection:
        return content, await self_paid_visit(
            connection, call.context.vault, institution, own_visit
        )


def _page(content: Fields, rows: list[Any]) -> Any:
    size = min(_number(content, "page_size", DEFAULT_PAGE), LARGEST_PAGE)
    number = _number(content, "page_num", 1)
    start = (number - 1) * size
    return {
        "data": [written(row) for row in rows[start : start + size]],
        "pageNum": number,
        "pageSize": size,
        "recordCounts": len(rows),
        "pages": -(-len(rows) // size),
    }


def _number(content: Fields, name: str, otherwise: int) -> int:
    values = values_of(content, name)
    if not values:
        return otherwise
    if not values[0].isdecimal() or int(values[0]) < 1:
        raise Refused(RefusalCode.FIELD_INVALID, f"{name}（分页参数）应为正整数", name)
    return int(values[0])


# ------------------------------------------------------------------------------------------- common


def _content(call: Call) -> Fields:
    content = document_of(call)
    check_institution(call, content)
    return content


def _own_visits(content: Fields) -> list[str]:
    visits = values_of(content, OWN_VISIT[0])
    if not visits:
        raise missing(*OWN_VISIT)
    return visits


async def _keep(call: Call, content: Fields, pieces: tuple[Piece, ...]) -> None:
    async def recall(_: Mapping[str, Any]) -> None:
        return None

    request = KeepSelfPaid(call.institution.code, call.envelope.number, pieces)
    subject = call.institution.code + pieces[0].own_visit
    await replace(call, input=content).perform(NO_PERSON_POOL, subject, request, recall)
