"""What may be done with a visit, and by whom. Pure."""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.terms import Scheme
from yibao.registry.institutions.model import Institution, InstitutionKind, InstitutionTerm
from yibao.registry.people.model import Enrolment, Insured
from yibao.settlement.model import Diagnosis, VisitFacts, VisitKind, VisitState

IDENTITY_CARD = "02"
"""Voucher type (``mdtrt_cert_type``): the number of a resident identity card."""

VOUCHERS = frozenset({"01", IDENTITY_CARD, "03", "04", "05"})
"""Electronic credential (医保电子凭证), identity card, social-security card (社会保障卡); the
credential again, scanned (终端扫码) or asked for by a face (终端扫脸) at a terminal."""

KIND_NAMES = {
    VisitKind.OUTPATIENT: "门诊",
    VisitKind.STAY: "住院",
    VisitKind.PURCHASE: "药店购药",
}

Dates = tuple[PoolKey, datetime, datetime | None]
"""A stay as others may know it: its visit, admission and discharge."""

WESTERN_DIAGNOSIS = "1"

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


def check_provider(
    institution: Institution | None,
    pool: Pool,
    day: date,
    kind: VisitKind = VisitKind.OUTPATIENT,
) -> InstitutionTerm:
    """As ``check_institution``, for one of the pool itself that gives this kind of care."""
    term = check_institution(institution, day)
    assert institution is not None
    pharmacy = institution.kind is InstitutionKind.PHARMACY
    if pharmacy and kind is not VisitKind.PURCHASE:
        care = "门诊" if kind is VisitKind.OUTPATIENT else "住院"
        raise Refused(RefusalCode.CARE_NOT_OFFERED, f"零售药店不能办理{care}业务", "institution")
    if not pharmacy and kind is VisitKind.PURCHASE:
        raise Refused(
            RefusalCode.CARE_NOT_OFFERED,
            "药店购药（2101、2102）只能由定点零售药店办理，医院请用门诊交易",
            "institution",
        )
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


def check_voucher(
    insured: Insured, voucher_type: str, voucher_number: str | None, holder: str | None = None
) -> None:
    """The voucher shown must be the person's own.

    ``voucher_number`` is None where it is not repeated. ``holder`` is the document number that an
    e-credential or a card was resolved to.
    """
    if voucher_type not in VOUCHERS:
        raise Refused(
            RefusalCode.VOUCHER_NOT_SUPPORTED,
            f"暂不支持就诊凭证类型 {voucher_type}，请使用 01（医保电子凭证）、02（居民身份证）"
            "或 03（社会保障卡）",
            "voucher_type",
        )
    if voucher_number is None and holder is None:
        return
    shown = voucher_number if voucher_type == IDENTITY_CARD else holder
    if shown is None:
        raise Refused(
            RefusalCode.VOUCHER_INVALID,
            f"就诊凭证（类型 {voucher_type}）无效或已过期，请重新出示",
            "voucher_number",
        )
    if shown.strip().upper() != insured.identity.document_number.upper():
        raise Refused(
            RefusalCode.PERSON_DIFFERS, "就诊凭证编号与人员编号不是同一人", "voucher_number"
        )


def check_own_visit(
    visit: VisitFacts | None,
    institution: str,
    member: str,
    kind: VisitKind | None = VisitKind.OUTPATIENT,
) -> VisitFacts:
    """The visit, if it is this institution's, this member's, open, and of the kind (None: any).

    Another institution's visit is answered as unknown: an institution never sees another's.
    """
    if visit is None or visit.institution != institution:
        raise Refused(RefusalCode.VISIT_UNKNOWN, "就诊ID不存在或不属于本机构", "visit")
    if visit.member != member:
        raise Refused(RefusalCode.PERSON_DIFFERS, "人员编号与就诊登记的人员不一致", "member")
    if visit.state is VisitState.CANCELLED:
        registered = "入院登记" if visit.kind is VisitKind.STAY else "挂号"
        raise Refused(RefusalCode.VISIT_CANCELLED, f"该就诊的{registered}已撤销", "visit")
    if kind is not None and visit.kind is not kind:
        raise Refused(
            RefusalCode.VISIT_KIND_DIFFERS,
            f"该就诊ID是{KIND_NAMES[visit.kind]}的，不能办理{KIND_NAMES[kind]}业务",
            "visit",
        )
    return visit


def check_scheme_of_stay(stay: VisitFacts, scheme: Scheme) -> None:
    """A stay is ended and paid in the scheme it was admitted in: another begins with its own
    deductible and count of stays."""
    if scheme != stay.scheme:
        raise Refused(
            RefusalCode.FIELD_INVALID,
            f"险种 {scheme} 与入院登记的险种 {stay.scheme} 不一致",
            "scheme",
        )


def check_same_day(visit: VisitFacts, begin: datetime, settled: int) -> None:
    """Bills were decided by the day the visit began: it is not moved under a living one."""
    before, after = business_date(visit.begin), business_date(begin)
    if settled and before != after:
        raise Refused(
            RefusalCode.VISIT_SETTLED,
            f"该就诊还有 {settled} 笔有效结算，开始日期不能由 {before} 改为 {after}，"
            "请先用 2208 撤销结算",
            "begin",
            day=after.isoformat(),
        )


def check_diagnoses(diagnoses: Iterable[Diagnosis], known: Collection[str]) -> None:
    """Codes of western diagnoses must be in the catalogue."""
    for diagnosis in diagnoses:
        if diagnosis.kind == WESTERN_DIAGNOSIS and diagnosis.code not in known:
            raise Refused(
                RefusalCode.CODE_UNKNOWN,
                f"诊断代码 {diagnosis.code} 不在医保疾病诊断目录中",
                "diagnosis",
            )


def check_not_in_hospital(day: date, stays: Iterable[Dates]) -> None:
    """Outpatient care strictly between admission and discharge is part of the stay.

    The caller learns the day of admission: never the hospital, never why.
    """
    for _, begin, end in stays:
        admitted = business_date(begin)
        if admitted < day and (end is None or day < business_date(end)):
            raise Refused(
                RefusalCode.STAY_OVERLAPS,
                f"参保人自 {admitted} 起住院，住院期间不能办理门诊就诊（{day}）",
                "begin",
                admitted=admitted.isoformat(),
            )


def check_alone(
    begin: datetime, end: datetime | None, stays: Iterable[Dates], own: PoolKey | None = None
) -> None:
    """A human lies in one hospital at a time; only the day of a transfer may be shared.

    Refused with the day of admission: never the hospital, never why. ``own`` is the stay itself.
    """
    first = business_date(begin)
    last = None if end is None else business_date(end)
    for visit, other_begin, other_end in stays:
        if visit == own:
            continue
        admitted = business_date(other_begin)
        if other_end is None and last is None:
            raise _overlap(f"参保人自 {admitted} 起住院，尚未办理出院", admitted)
        discharged = None if other_end is None else business_date(other_end)
        begins_within = admitted <= first and (discharged is None or first < discharged)
        if last is None:
            overlaps = begins_within
        else:
            overlaps = admitted < last and (discharged is None or first < discharged)
        if overlaps:
            until = "" if discharged is None else f"至 {discharged} "
            raise _overlap(f"与参保人自 {admitted} 起{until}的另一次住院重叠", admitted)


def _overlap(text: str, admitted: date) -> Refused:
    return Refused(RefusalCode.STAY_OVERLAPS, text, "begin", admitted=admitted.isoformat())
