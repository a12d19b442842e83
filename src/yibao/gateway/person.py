"""Who a person is and what the person may use: 1101 and 2001."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import Any

from yibao.adjudication.applicable import frame_for
from yibao.adjudication.model import GENERAL_BUCKET, Bill, Provider, Sums
from yibao.gateway.context import Call
from yibao.gateway.dispatch import transaction
from yibao.gateway.pools import pool_of_member, unknown_member
from yibao.gateway.rendering import PERSONAL_ACCOUNT, Node, fund_name, person_fields, shaped
from yibao.gateway.vouchers import meant, members_shown
from yibao.gateway.writing import amount, day_start, flag
from yibao.gateway.writing import day as written_day
from yibao.kernel.frozen import replace
from yibao.kernel.money import Fen
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger.service import balances
from yibao.policy.model import PHARMACY, BenefitRules, Law, Payer
from yibao.policy.parameters import Case
from yibao.policy.terms import EMPLOYEE, CareKind, EntitlementExtent, Scheme
from yibao.registry.institutions.model import InstitutionKind
from yibao.registry.people.model import Enrolment, Insured
from yibao.registry.people.service import load_members
from yibao.settlement.service import person_on

ACTIVE, ENDED = "1", "4"
"""``psn_insu_stas``."""
FUND_CHECK = "01"
"""``trt_chk_type``: whether a fund pays."""


# ------------------------------------------------------------------------------------------- 1101


@transaction("1101")
async def find_person(call: Call) -> Any:
    """The person behind a presented voucher, with all insurances in all pools (人员信息获取)."""
    data = call.input["data"]
    asked = data.get("begntime")
    day = call.day if asked is None else business_date(asked)
    async with call.context.database.reader([call.institution.code]) as connection:
        found = await members_shown(call, connection, data)
        accounts: dict[str, Fen] = {}
        for member in found:
            held = member.membership
            parts = await balances(connection, held.pool, [held.number])
            # as ``balc`` everywhere: what can be spent, nothing of what is frozen or set aside
            accounts[held.number] = sum(part.available for part in parts.get(held.number, []))
    name = data.get("psn_name")
    if name and name != found[0].identity.name:
        raise Refused(RefusalCode.PERSON_DIFFERS, "psn_name（人员姓名）与证件不符", "psn_name")
    best = meant(call, found, day)
    insurances = [
        row
        for member in sorted(found, key=lambda member: member is not best)
        for row in _insurances(member, accounts[member.membership.number], day)
    ]
    return {
        "baseinfo": shaped("1101", "baseinfo", person_fields(best, day)),
        "insuinfo": insurances,
        "idetinfo": _identities(best, day),
    }


def _insurances(member: Insured, balance: Fen, day: date) -> list[Node]:
    """A row a scheme: the enrolment of ``day``, or the last one before it."""
    rows = []
    begun = sorted(
        (enrolment for enrolment in member.enrolments if enrolment.period.start <= day),
        key=lambda enrolment: (enrolment.scheme, enrolment.period.start),
    )
    schemes = {enrolment.scheme for enrolment in begun}
    for scheme, history in groupby(begun, key=lambda enrolment: enrolment.scheme):
        # The account belongs to the employee scheme where the person has that one.
        has_account = scheme == EMPLOYEE or EMPLOYEE not in schemes
        rows.append(_insurance(member, list(history), balance if has_account else 0, day))
    return rows


def _insurance(member: Insured, history: Sequence[Enrolment], balance: Fen, day: date) -> Node:
    last = history[-1]
    active = last.period.holds(day)
    values = {
        "balc": amount(balance),
        "insutype": last.scheme,
        "psn_type": last.person_type,
        "psn_insu_stas": ACTIVE if active else ENDED,
        "psn_insu_date": written_day(history[0].period.start),
        "paus_insu_date": None if active else written_day(last.period.end),
        "cvlserv_flag": flag(last.civil_servant),
        "insuplc_admdvs": last.division,
        "emp_name": last.employer,
        "psn_no": member.membership.number,
    }
    # The person has a number in each pool; the table has no room for it but in baseinfo.
    return shaped("1101", "insuinfo", values, "psn_no")


def _identities(member: Insured, day: date) -> list[Node]:
    return [
        {
            "psn_idet_type": special.kind,
            "psn_type_lv": special.level,
            "memo": special.note,
            "begntime": day_start(special.period.start),
            "endtime": day_start(special.period.end),
        }
        for special in member.special_identities
        if special.period.holds(day)
    ]


# ------------------------------------------------------------------------------------------- 2001


@transaction("2001")
async def check_entitlement(call: Call) -> Any:
    """What each fund would pay for, on the day asked (人员待遇享受检查)."""
    data = call.input["data"]
    if data["fixmedins_code"] != call.institution.code:
        raise Refused(
            RefusalCode.INSTITUTION_NOT_ALLOWED,
            f"data.fixmedins_code（定点医药机构编号）{data['fixmedins_code']} 与报文的 "
            f"{call.institution.code} 不一致：只能查询本机构的待遇",
            "fixmedins_code",
        )
    scheme, day = Scheme(data["insutype"]), business_date(data["begntime"])
    pool = pool_of_member(call, data["psn_no"], scheme)
    async with call.context.database.reader([call.institution.code]) as connection:
        members = await load_members(connection, call.context.vault, pool, [data["psn_no"]])
    member = members.get(data["psn_no"])
    if member is None:
        raise unknown_member(data["psn_no"])
    enrolment = member.enrolment_on(scheme, day)
    if enrolment is None:
        raise Refused(
            RefusalCode.NOT_ENROLLED,
            f"insutype（险种类型）{scheme}：该人员在 {day} 未参保",
            "insutype",
        )
    return {"trtinfo": _checks(call, member, enrolment, CareKind(data["med_type"]), day)}


def _checks(
    call: Call, member: Insured, enrolment: Enrolment, care_kind: CareKind, day: date
) -> list[Node]:
    law = call.reference.laws.law_on(enrolment.division, enrolment.scheme, day)
    benefit = _benefit(law, care_kind, day)
    extent = member.entitlement_on(enrolment.scheme, day)
    rows = []
    if benefit is not None:
        case = _case(call, member, enrolment, care_kind, law, day)
        reason = _why_not(call, benefit, extent, case, day)
        common = [p for p in law.payers if not p.benefits or benefit.key in p.benefits]
        funds = {
            payer.reported_as.find(day, case).value.fund
            for payer in (*benefit.payers, *common)
            if _pays(payer, day, case)
        }
        rows += [_check(member, enrolment, day, fund, reason) for fund in sorted(funds)]
    if enrolment.scheme == EMPLOYEE:
        none = extent is EntitlementExtent.NONE
        reason = "待遇未生效或已暂停" if none else None
        rows.append(_check(member, enrolment, day, PERSONAL_ACCOUNT, reason))
    return rows


def _case(
    call: Call,
    member: Insured,
    enrolment: Enrolment,
    care_kind: CareKind,
    law: Law,
    day: date,
) -> Case:
    """The law's classes of a first bill of that day, were the person entitled in full."""
    person = person_on(member, enrolment, law, day)
    bill = Bill(
        scheme=enrolment.scheme,
        care_kind=care_kind,
        day=day,
        person=replace(person, entitlement=EntitlementExtent.FULL),
        provider=Provider(call.term.level, call.institution.kind is InstitutionKind.PHARMACY),
        sums={GENERAL_BUCKET: Sums()},
    )
    return frame_for(bill, law).case


def _benefit(law: Law, care_kind: CareKind, day: date) -> BenefitRules | None:
    try:
        return law.benefit_for(care_kind, day)
    except Refused as refused:
        raise Refused(
            RefusalCode.PARAMETER_MISSING,
            f"med_type（医疗类别）{care_kind} 在 {day} 的统筹区待遇规则中没有规定",
            "med_type",
        ) from refused


def _pays(payer: Payer, day: date, case: Case) -> bool:
    """Whether a fund is for such persons at all: a supplement of the retired has no active ones."""
    try:
        bands = payer.bands.find(day, case).value
        return bands is not None and any(band.rate.numerator for band in bands)
    except Refused:  # no bands for this level: the reason is told with the fund
        return True


def _why_not(
    call: Call, benefit: BenefitRules, extent: EntitlementExtent, case: Case, day: date
) -> str | None:
    if extent is EntitlementExtent.NONE:
        return "待遇未生效或已暂停"
    if extent is EntitlementExtent.ACCOUNT_ONLY:
        return "仅可使用个人账户"
    is_pharmacy = call.institution.kind is InstitutionKind.PHARMACY
    place = PHARMACY if is_pharmacy else call.term.level
    if place not in benefit.places.find(day, case).value:
        return "该险种在本级别定点机构不享受此待遇"
    return None


def _check(member: Insured, enrolment: Enrolment, day: date, fund: str, reason: str | None) -> Node:
    period = next(
        (
            entitlement.period
            for entitlement in member.entitlements
            if entitlement.scheme == enrolment.scheme and entitlement.period.holds(day)
        ),
        enrolment.period,
    )
    return {
        "psn_no": member.membership.number,
        "trt_chk_type": FUND_CHECK,
        "fund_pay_type": fund,
        "fund_pay_type_name": fund_name(fund),
        "trt_enjymnt_flag": flag(reason is None),
        "begndate": written_day(period.start),
        "enddate": written_day(period.end),
        "trt_chk_rslt": reason,
    }
