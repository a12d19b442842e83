"""Filings (备案): 2501 to 2508, and their queries 5301, 5302, 5304.

A filing's serial number (``trt_dcla_detl_sn``) begins with the pool, as all our numbers do. Its
``enddate`` is the last day on which it holds.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from yibao.gateway.context import Call, missing
from yibao.gateway.dispatch import transaction
from yibao.gateway.keeping import kept_fields
from yibao.gateway.pools import pool_of_member, unknown_member
from yibao.gateway.reading import Row
from yibao.gateway.rendering import Node, person_fields, shaped
from yibao.gateway.writing import day as written_day
from yibao.gateway.writing import flag, moment
from yibao.kernel.areas import Division, Pool
from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.kernel.periods import business_date, last_day
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.terms import EMPLOYEE, RESIDENT, Place, Scheme
from yibao.registry.filings import service as filings
from yibao.registry.filings.model import (
    Declaration,
    DeclarationKind,
    Declare,
    DeclareChoice,
    DeclareDisease,
    DeclareInjury,
    DeclareTransfer,
    WithdrawDeclaration,
)
from yibao.registry.people.model import Insured
from yibao.registry.people.service import load_members

CONTACT = frozenset(
    {
        "tel",
        "addr",
        "agnter_name",
        "agnter_cert_type",
        "agnter_certno",
        "agnter_tel",
        "agnter_addr",
        "agnter_rlts",
    }
)
"""Fields that are kept encrypted."""
_NOT_KEPT = CONTACT | {"psn_no", "begndate", "enddate"}

OUTSIDE_THE_PROVINCE = {"1": False, "2": False, "3": True}
"""What ``refl_type`` says of the place; a province's own values say nothing to us."""
BY_INSTITUTION = "01"
"""``dcla_souc``."""
AGREED = "1"
"""``hosp_agre_refl_flag`` of who files without it: the hospital itself does, so it agrees."""


# ------------------------------------------------------------------------------ 2501 to 2508: file


@transaction("2501")
async def file_transfer(call: Call) -> Any:
    """The member is referred to another hospital (转院备案)."""
    data = call.input["refmedin"]
    pool = _pool(call, data)
    if "reflin_medins_no" not in data and "mdtrtarea_admdvs" not in data:
        raise missing("refmedin.reflin_medins_no", "转往定点医药机构编号")
    place = _division(data, "refmedin", "mdtrtarea_admdvs", "就医地行政区划")
    return await _file(
        call,
        pool,
        DeclareTransfer(
            **_common(call, data, data["refl_date"]),
            scheme=_scheme(data),
            referred_on=data["refl_date"],
            diagnosis=data["diag_code"],
            receiving=data.get("reflin_medins_no"),
            place=place,
            outside_province=OUTSIDE_THE_PROVINCE.get(data.get("refl_type", "")),
        ),
    )


@transaction("2502")
async def withdraw_transfer(call: Call) -> None:
    """A referral is taken back (转院备案撤销)."""
    await _withdraw(call, DeclarationKind.TRANSFER)


@transaction("2503")
async def file_disease(call: Call) -> Any:
    """A chronic or special disease is put on file (人员慢特病备案)."""
    data = call.input["data"]
    pool = _pool(call, data)
    return await _file(
        call,
        pool,
        DeclareDisease(
            **_common(call, data, data["begndate"]),
            scheme=Scheme(data["insutype"]),
            code=data["opsp_dise_code"],
            name=data["opsp_dise_name"],
            identified_on=data.get("hosp_ide_date"),
        ),
    )


@transaction("2504")
async def withdraw_disease(call: Call) -> None:
    """A disease's filing is taken back (人员慢特病备案撤销)."""
    await _withdraw(call, DeclarationKind.DISEASE)


@transaction("2505")
async def file_choice(call: Call) -> Any:
    """The member chooses an institution (人员定点备案)."""
    data = call.input["data"]
    pool = _pool(call, data)
    order = data["fix_srt_no"]
    if not (order.isascii() and order.isdigit()):
        raise Refused(
            RefusalCode.FIELD_INVALID, "data.fix_srt_no（定点排序号）应为正整数", "data.fix_srt_no"
        )
    return await _file(
        call,
        pool,
        DeclareChoice(
            **_common(call, data, data["begndate"]),
            designated=data["fixmedins_code"],
            business=data["biz_appy_type"].zfill(2),
            order=int(order),
        ),
    )


@transaction("2506")
async def withdraw_choice(call: Call) -> None:
    """A choice is taken back (人员定点备案撤销)."""
    await _withdraw(call, DeclarationKind.DESIGNATION)


@transaction("2507")
async def file_injury(call: Call) -> Any:
    """The member was injured by accident (人员意外伤害备案)."""
    data = call.input["data"]
    for name, label in (
        ("psn_no", "人员编号"),
        ("trum_time", "受伤时间"),
        ("trum_rea", "致伤原因"),
    ):
        if name not in data:
            raise missing(f"data.{name}", label)
    pool = _pool(call, data)
    return await _file(
        call,
        pool,
        DeclareInjury(
            **_common(call, data, business_date(data["trum_time"])),
            scheme=_scheme(data),
            injured_at=data["trum_time"],
        ),
    )


@transaction("2508")
async def withdraw_injury(call: Call) -> None:
    """An injury's filing is taken back (意外伤害备案撤销)."""
    await _withdraw(call, DeclarationKind.INJURY)


async def _file(call: Call, pool: Pool, request: Declare) -> Any:
    key: PoolKey = await _perform(call, pool, request)
    return {"result": {"trt_dcla_detl_sn": key.text()}}


async def _withdraw(call: Call, kind: DeclarationKind) -> None:
    data = call.input["data"]
    for name, label in (("trt_dcla_detl_sn", "待遇申报明细流水号"), ("psn_no", "人员编号")):
        if name not in data:
            raise missing(f"data.{name}", label)
    pool = pool_of_member(call, data["psn_no"])
    key = parse_pool_key(data["trt_dcla_detl_sn"])
    if key is None or key.pool != pool:
        raise Refused(
            RefusalCode.FILING_UNKNOWN,
            f"data.trt_dcla_detl_sn（待遇申报明细流水号）{data['trt_dcla_detl_sn']} 不存在",
            "data.trt_dcla_detl_sn",
        )
    request = WithdrawDeclaration(
        call.institution.code, data["psn_no"], kind, key, data.get("memo")
    )
    await _perform(call, pool, request)


async def _perform(call: Call, pool: Pool, request: Declare | WithdrawDeclaration) -> Any:
    async def recall(reference: Mapping[str, Any]) -> PoolKey:
        return PoolKey(pool, reference["declaration"])

    return await call.perform(pool, request.member, request, recall)


def _common(call: Call, data: Row, begin: date) -> dict[str, Any]:
    """What every declaration says; it holds from ``begin`` unless the message says otherwise."""
    return {
        "institution": call.institution.code,
        "member": data["psn_no"],
        "begin": data.get("begndate", begin),
        "end": data.get("enddate"),
        "details": kept_fields(data, _NOT_KEPT)
        | {"opter_id": call.envelope.operator, "opter_name": call.envelope.operator_name},
        "contact": {name: data[name] for name in sorted(CONTACT) if name in data},
        "agent_checked": call.dialect.agents_checked,
    }


def _scheme(data: Row) -> Scheme | None:
    return Scheme(data["insutype"]) if "insutype" in data else None


def _pool(call: Call, data: Row) -> Pool:
    """The member's pool; the agency (``insu_optins``), where one is named, must belong to it."""
    pool = pool_of_member(call, data["psn_no"], data.get("insutype"))
    agency = data.get("insu_optins")
    if agency is not None:
        scheme = _scheme(data)
        of_agency = {
            call.reference.directory.pool_of(Division(agency), one, call.day)
            for one in ((EMPLOYEE, RESIDENT) if scheme is None else (scheme,))
        }
        if pool not in of_agency:
            raise Refused(
                RefusalCode.AREA_DIFFERS,
                f"insu_optins（参保机构医保区划）{agency} 不属于该人员的统筹区 {pool}",
                "insu_optins",
            )
    return pool


def _division(data: Row, node: str, name: str, label: str) -> Division | None:
    code = data.get(name)
    if code is None:
        return None
    if not (len(code) == 6 and code.isascii() and code.isdigit()):
        raise Refused(
            RefusalCode.FIELD_INVALID, f"{node}.{name}（{label}）应为6位数字", f"{node}.{name}"
        )
    return Division(code)


# ------------------------------------------------------------------------------------------- query


@transaction("5301")
async def list_diseases(call: Call) -> Any:
    """The chronic and special diseases that are on file (人员慢特病备案查询)."""
    member = await _member(call, call.input["data"]["psn_no"])
    rows = sorted(member.diseases, key=lambda row: (row.code, row.period))
    return {
        "feedetail": [
            {
                "opsp_dise_code": row.code,
                "opsp_dise_name": row.name,
                "begndate": written_day(row.period.start),
                "enddate": written_day(last_day(row.period)),
            }
            for row in rows
        ]
    }


@transaction("5302")
async def list_choices(call: Call) -> Any:
    """The institutions that the member has chosen (人员定点信息查询)."""
    data = call.input["data"]
    if "psn_no" not in data:
        raise missing("data.psn_no", "人员编号")
    member = await _member(call, data["psn_no"])
    business = data.get("biz_appy_type", "").zfill(2)
    rows = [row for row in member.designated if business in ("00", row.business)]
    return {
        "psnfixmedin": [
            shaped(
                "5302",
                "psnfixmedin",
                {
                    "psn_no": member.membership.number,
                    "fix_srt_no": str(row.order),
                    "fixmedins_code": row.institution,
                    "fixmedins_name": _institution_name(call, row.institution),
                    "begndate": written_day(row.period.start),
                    "enddate": written_day(last_day(row.period)),
                    "biz_appy_type": row.business,
                },
                "biz_appy_type",
            )
            for row in sorted(rows, key=lambda row: (row.business, row.order, row.period))
        ]
    }


@transaction("5304")
async def list_referrals(call: Call) -> Any:
    """Referrals of a span of days: a member's, or all the institution made (转院信息查询)."""
    data = call.input["data"]
    first, last = business_date(data["begntime"]), business_date(data["endtime"])
    if last < first:
        raise Refused(
            RefusalCode.DATE_NOT_ALLOWED, "data.endtime（结束时间）早于开始时间", "data.endtime"
        )
    vault = call.context.vault
    pool = pool_of_member(call, data["psn_no"]) if "psn_no" in data else None
    async with call.context.database.reader([call.institution.code]) as connection:
        if pool is None:
            found = await filings.own_referrals(
                connection, vault, call.institution.code, first, last
            )
        else:
            found = await filings.referrals(connection, vault, pool, data["psn_no"], first, last)
        members: dict[str, Insured] = {}
        for each in sorted({declared.key.pool for declared in found}):
            numbers = sorted({one.member for one in found if one.key.pool == each})
            members |= await load_members(connection, vault, each, numbers)
    return {"refmedin": [_referral(call, one, members[one.member]) for one in found]}


def _referral(call: Call, declared: Declaration, member: Insured) -> Node:
    details, contact = declared.details, declared.contact
    scheme = Scheme(details[filings.SCHEME])
    enrolment = member.enrolment_on(scheme, declared.period.start)
    values = {
        **person_fields(member, call.day),
        **{name: details.get(name) for name in _REFERRAL_DETAILS},
        "trt_dcla_detl_sn": declared.key.text(),
        "insutype": scheme,
        "dcla_souc": BY_INSTITUTION,
        "tel": contact.get("tel"),
        "addr": contact.get("addr"),
        "hosp_agre_refl_flag": details.get("hosp_agre_refl_flag", AGREED),
        "begndate": written_day(declared.period.start),
        "enddate": written_day(last_day(declared.period)),
        "opt_time": moment(declared.declared_at),
    }
    if enrolment is not None:
        place = call.reference.directory.place_of(
            Division(details[filings.PLACE]),
            declared.key.pool,
            enrolment.division,
            scheme,
            declared.period.start,
        )
        values |= {
            "insu_optins": enrolment.division,
            "emp_name": enrolment.employer,
            "out_flag": flag(place is not Place.LOCAL),
        }
    return shaped("5304", "refmedin", values, "trt_dcla_detl_sn")


_REFERRAL_DETAILS = (
    "diag_code",
    "diag_name",
    "dise_cond_dscr",
    "reflin_medins_no",
    "reflin_medins_name",
    "refl_date",
    "refl_rea",
    "opter_id",
    "opter_name",
)


async def _member(call: Call, number: str) -> Insured:
    pool = pool_of_member(call, number)
    async with call.context.database.reader([call.institution.code]) as connection:
        members = await load_members(connection, call.context.vault, pool, [number])
    member = members.get(number)
    if member is None:
        raise unknown_member(number)
    return member


def _institution_name(call: Call, code: str) -> str | None:
    institution = call.reference.directory.institution(code)
    term = None if institution is None else institution.term_on(call.day)
    return None if term is None else term.name
