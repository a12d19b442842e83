"""What may be done with a visit, and by whom. Pure."""

from datetime import date, datetime, timedelta

from yibao.kernel.areas import Pool
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.terms import Scheme
from yibao.registry.institutions.model import Institution, InstitutionKind, InstitutionTerm
from yibao.registry.people.model import Enrolment, Insured
from yibao.settlement.model import VisitFacts, VisitState

IDENTITY_CARD = "02"
"""Voucher type (``mdtrt_cert_type``): the number of a resident identity card."""

CLOCK_TOLERANCE = timedelta(days=1)
"""How far in the future a sent begin time may lie: hospitals' clocks and late-night shifts."""


def check_institution(institution: Institution | None, day: date) -> InstitutionTerm:
    """The terms of an institution that may treat and bill on ``day``."""
    if institution is None:
        raise Refused(RefusalCode.INSTITUTION_UNKNOWN, "定点医药机构编号不存在", "institution")
    term = institution.term_on(day)
    if term is None:
        raise Refused(
            RefusalCode.INSTITUTION_SUSPENDED,
            f"机构 {institution.code} 在 {day} 没有有效的定点协议",
            "institution",
        )
    if term.suspended:
        raise Refused(
            RefusalCode.INSTITUTION_SUSPENDED,
            f"机构 {institution.code}（{term.name}）的医保服务在 {day} 处于暂停状态",
            "institution",
        )
    return term


def check_outpatient_institution(
    institution: Institution | None, pool: Pool, day: date
) -> InstitutionTerm:
    """As ``check_institution``, for a clinic of the pool itself."""
    term = check_institution(institution, day)
    assert institution is not None
    if institution.kind is InstitutionKind.PHARMACY:
        raise Refused(RefusalCode.CARE_NOT_OFFERED, "零售药店不能办理门诊业务", "institution")
    if institution.home_pool != pool:
        raise Refused(
            RefusalCode.CARE_NOT_OFFERED,
            f"参保人属于统筹区 {pool}，本机构属于统筹区 {institution.home_pool}：暂未开通异地就医",
            "institution",
        )
    return term


def check_begin(begin: datetime, now: datetime) -> date:
    """The civil date a visit began on; a begin in the future is refused."""
    if begin > now + CLOCK_TOLERANCE:
        raise Refused(
            RefusalCode.DATE_NOT_ALLOWED,
            f"开始时间 {business_date(begin)} 晚于当前时间（{business_date(now)}）",
            "begin",
            day=business_date(begin).isoformat(),
        )
    return business_date(begin)


def check_enrolment(insured: Insured | None, scheme: Scheme, day: date) -> Enrolment:
    """The enrolment that a visit or bill of ``day`` stands on."""
    if insured is None:
        raise Refused(RefusalCode.PERSON_UNKNOWN, "人员编号不存在", "member")
    died = insured.identity.died_on
    if died is not None and day > died:
        raise Refused(RefusalCode.DATE_NOT_ALLOWED, f"参保人已于 {died} 死亡", "begin")
    if not insured.membership.period.holds(day):
        raise Refused(
            RefusalCode.NOT_ENROLLED,
            f"人员编号 {insured.membership.number} 在 {day} 不属于本统筹区（已转移或终止）",
            "member",
        )
    enrolment = insured.enrolment_on(scheme, day)
    if enrolment is None:
        raise Refused(RefusalCode.NOT_ENROLLED, f"参保人在 {day} 未参加险种 {scheme}", "scheme")
    return enrolment


def check_voucher(insured: Insured, voucher_type: str, voucher_number: str | None) -> None:
    """The voucher shown must be the person's own identity card; None where it is not repeated."""
    if voucher_type != IDENTITY_CARD:
        raise Refused(
            RefusalCode.VOUCHER_NOT_SUPPORTED,
            f"暂不支持就诊凭证类型 {voucher_type}，请使用 02（居民身份证）",
            "voucher_type",
        )
    if voucher_number is None:
        return
    if voucher_number.strip().upper() != insured.identity.document_number.upper():
        raise Refused(
            RefusalCode.PERSON_DIFFERS, "就诊凭证编号与人员编号不是同一人", "voucher_number"
        )


def check_own_visit(visit: VisitFacts | None, institution: str, member: str) -> VisitFacts:
    """The visit, if it is this institution's, this member's, and open.

    Another institution's visit is answered as unknown: an institution never sees another's.
    """
    if visit is None or visit.institution != institution:
        raise Refused(RefusalCode.VISIT_UNKNOWN, "就诊ID不存在或不属于本机构", "visit")
    if visit.member != member:
        raise Refused(RefusalCode.PERSON_DIFFERS, "人员编号与就诊登记的人员不一致", "member")
    if visit.state is VisitState.CANCELLED:
        raise Refused(RefusalCode.VISIT_CANCELLED, "该就诊的挂号已撤销", "visit")
    return visit
