"""Whether a declaration may be made or taken back. Pure."""

import re
from datetime import date, timedelta

from yibao.kernel.areas import Division, lies_in
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.terms import Scheme
from yibao.registry.filings.model import Declaration, WithdrawDeclaration
from yibao.registry.people.model import Enrolment, Insured

LONGEST_BACK = timedelta(days=3 * 366)
"""How long before today a declaration may begin: what lies further back is a clerk's business."""

_NATIONAL_DISEASE = re.compile(r"M[0-9]{5}")
"""Form of a code of the national list of chronic and special diseases (门诊慢特病病种): M and five
digits. No open source carries the list itself, so the form is all that can be checked."""


def check_days(begin: date, end: date | None, today: date) -> None:
    """Refuse a period that ends before it begins, or begins absurdly long ago."""
    if end is not None and end < begin:
        raise Refused(
            RefusalCode.DATE_NOT_ALLOWED, f"结束日期 {end} 早于开始日期 {begin}", "end_date"
        )
    if begin < today - LONGEST_BACK:
        raise Refused(
            RefusalCode.DATE_NOT_ALLOWED, f"开始日期 {begin} 距今超过三年，请到经办机构办理",
            "begin_date",
        )  # fmt: skip


def check_not_to_come(day: date, today: date, field: str) -> None:
    """Refuse that something is said to have happened on a day to come."""
    if day > today:
        raise Refused(RefusalCode.DATE_NOT_ALLOWED, f"{day} 晚于当日", field)


def enrolment_at(insured: Insured, scheme: Scheme | None, day: date) -> Enrolment:
    """The enrolment under which a declaration is made; Refused when there is none that day."""
    died = insured.identity.died_on
    if died is not None and died < day:
        raise Refused(RefusalCode.NOT_ENROLLED, f"该人员已于 {died} 死亡，不能办理备案", "member")
    for enrolment in insured.enrolments:
        if enrolment.period.holds(day) and scheme in (None, enrolment.scheme):
            return enrolment
    told = "基本医疗保险" if scheme is None else f"险种 {scheme}"
    raise Refused(RefusalCode.NOT_ENROLLED, f"该人员在 {day} 未参加{told}", "scheme")


def check_disease(code: str, *, is_diagnosis: bool) -> None:
    """Refuse a code that is neither of the national form nor a diagnosis."""
    if not is_diagnosis and _NATIONAL_DISEASE.fullmatch(code) is None:
        raise Refused(
            RefusalCode.CODE_UNKNOWN,
            f"{code} 不是门诊慢特病病种代码（M加五位数字），也不在医保疾病诊断目录中",
            "filed_disease",
        )


def check_disease_is_new(insured: Insured, code: str, period: Period) -> None:
    """Refuse a disease that is on file on a day of the period already."""
    if any(row.code == code and row.period.meets(period) for row in insured.diseases):
        raise Refused(
            RefusalCode.FILING_EXISTS,
            f"病种 {code} 在此期间已有备案，请勿重复办理",
            "filed_disease",
        )


def check_choice(
    insured: Insured, institution: str, business: str, order: int, period: Period
) -> None:
    """Refuse an institution that is chosen already, or a place among the chosen that is taken."""
    if order < 1:
        raise Refused(RefusalCode.FIELD_INVALID, "定点排序号应为正整数", "choice_order")
    for row in insured.designated:
        if row.business != business or not row.period.meets(period):
            continue
        if row.institution == institution:
            raise Refused(
                RefusalCode.FILING_EXISTS,
                f"该人员在此期间已定点 {institution}，请勿重复办理",
                "designated",
            )
        if row.order == order:
            raise Refused(
                RefusalCode.FILING_EXISTS,
                f"定点排序号 {order} 在此期间已有其他定点机构，请先撤销",
                "choice_order",
            )


def place_of_transfer(place: Division | None, standing: Division | None) -> Division:
    """The division a referral is for: what was sent, or where the receiving institution stands.

    Refused when neither is known, or when that institution stands elsewhere.
    """
    if place is None and standing is None:
        raise Refused(
            RefusalCode.FIELD_MISSING,
            "转往医院不在本平台，请填写就医地行政区划",
            "care_place",
        )
    if place is None or standing is None:
        return place or standing  # type: ignore[return-value]
    if not lies_in(standing, place):
        raise Refused(
            RefusalCode.AREA_DIFFERS,
            f"转往医院位于 {standing}，与就医地行政区划 {place} 不一致",
            "care_place",
        )
    return place


def check_province(place: Division, insured: Division, outside: bool | None) -> None:
    """Refuse a kind of referral that contradicts the place: 3 out of the province, but it is not.

    In the city or in the province is not told apart: provinces count their own pools differently.
    """
    if outside is not None and outside != (place[:2] != insured[:2]):
        raise Refused(
            RefusalCode.FIELD_INVALID,
            f"转院类型与就医地 {place} 不一致：参保地为 {insured}",
            "referral_kind",
        )


def check_transfer_is_new(
    insured: Insured, receiving: str | None, place: Division, period: Period
) -> None:
    """Refuse the same referral once more: same institution, or same place without one."""
    for row in insured.filings:
        same = (row.institution, row.place) == (receiving, place)
        if same and row.period.meets(period):
            raise Refused(
                RefusalCode.FILING_EXISTS,
                "该人员在此期间已有转往同一医院的备案，请勿重复办理",
                "receiving",
            )


def check_withdrawal(found: Declaration | None, request: WithdrawDeclaration) -> None:
    """Refuse to take back what is not there, another one's, or withdrawn already."""
    if (
        found is None
        or found.institution != request.institution
        or found.member != request.member
        or found.kind is not request.kind
    ):
        raise Refused(
            RefusalCode.FILING_UNKNOWN,
            f"流水号 {request.key.text()} 不存在，或不是本机构为该人员办理的此类备案",
            "declaration",
        )
    if found.withdrawn_at is not None:
        raise Refused(
            RefusalCode.FILING_WITHDRAWN, f"流水号 {request.key.text()} 的备案已撤销", "declaration"
        )
