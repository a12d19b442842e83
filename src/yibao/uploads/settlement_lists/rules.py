"""A list against its settlement, pure: what must be equal, and what is only reported.

Refused is what the platform knows better: amounts paid, funds, total, days of the stay. Reported
as quality findings is what rests on identities that no source has verified, and what concerns the
record's content.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from yibao.kernel.money import Fen, unscaled
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.registry.people.model import Identity
from yibao.settlement.model import SettlementFacts, SettlementKind, VisitFacts, VisitKind
from yibao.uploads.settlement_lists.model import (
    ListClaims,
    ListFacts,
    ListState,
    QualityFinding,
    Severity,
)

ACCOUNT_FUND = "310200"
HOSPITAL_PART = "999996"
NOT_FUNDS = ("999998", "999999")
"""Cash and the person's part: some hospitals list them beside the funds."""


# -------------------------------------------------------------------------------- must be equal


def check_settlement(
    facts: SettlementFacts | None, institution: str, claims: ListClaims
) -> SettlementFacts:
    """The settlement that a list is about; refused when it has none of its own that stands."""
    if facts is None or facts.institution != institution:
        raise Refused(
            RefusalCode.SETTLEMENT_UNKNOWN,
            f"setl_id（结算ID）{claims.settlement.text()} 不存在或不属于本机构",
            "settlement",
        )
    if facts.kind is SettlementKind.CANCELLATION or facts.cancelled_by is not None:
        raise Refused(RefusalCode.SETTLEMENT_CANCELLED, "该结算已撤销，没有结算清单", "settlement")
    if facts.visit.text() != claims.visit:
        raise Refused(RefusalCode.VISIT_UNKNOWN, "就诊ID不是该结算的就诊", "visit")
    if claims.member not in (None, facts.member):
        raise Refused(RefusalCode.PERSON_DIFFERS, "人员编号不是该结算的人员", "member")
    return facts


def check_replaceable(standing: ListFacts | None) -> None:
    """Refuse to replace a list that is submitted."""
    if standing is not None and standing.state is ListState.SUBMITTED:
        raise Refused(
            RefusalCode.LIST_SUBMITTED,
            "该结算的清单已提交，请先用4102改为未提交（stas_type=0）",
            "settlement",
        )


def check_claims(claims: ListClaims, facts: SettlementFacts, visit: VisitFacts) -> None:
    """Refuse amounts, funds and days that are not the settlement's."""
    # Where the family's account paid, hospitals count it on either side (MONEY I3 is not proven).
    family = facts.family
    _same("claimed_account", claims.account, (facts.account, facts.account + family))
    _same("claimed_cash", claims.cash, (facts.cash, facts.cash + family))
    if claims.funds is not None:
        _check_funds(claims.funds, facts)
    if claims.items:
        total = sum(item.amount for item in claims.items)
        _same("item_amounts", total, (facts.sums.total,))
    _check_days(claims, visit)


def _same(field: str, claimed: Fen | None, ours: tuple[Fen, ...]) -> None:
    if claimed is not None and claimed not in ours:
        raise Refused(
            RefusalCode.LIST_DIFFERS,
            f"清单为{unscaled(claimed, 2)}元，平台结算为{unscaled(ours[0], 2)}元",
            field,
        )


def _check_funds(claimed: Sequence[tuple[str, Fen]], facts: SettlementFacts) -> None:
    """Each fund as we paid it. Account and hospital part may be listed, as in setldetail."""
    ours: dict[str, Fen] = defaultdict(int)
    for payment in facts.payments:
        ours[payment.fund] += payment.amount
    # relatives' accounts are listed beside the own one, or not at all
    may_be_listed = {
        ACCOUNT_FUND: (facts.account, facts.account + facts.family),
        HOSPITAL_PART: (facts.hospital_part,),
    }
    theirs: dict[str, Fen] = defaultdict(int)
    for fund, amount in claimed:
        if fund not in NOT_FUNDS:
            theirs[_fund_code(fund, ours.keys() | may_be_listed.keys())] += amount
    for fund in sorted(ours.keys() | theirs.keys()):
        paid: tuple[Fen, ...] = (ours.get(fund, 0),)
        if fund in may_be_listed and fund not in ours:
            paid = may_be_listed[fund]
        if theirs.get(fund, 0) not in paid:
            raise Refused(
                RefusalCode.LIST_DIFFERS,
                f"基金 {fund} 清单为{unscaled(theirs.get(fund, 0), 2)}元，"
                f"平台结算为{unscaled(paid[-1], 2)}元",
                "fund_amount",
            )


def _fund_code(code: str, known: Collection[str]) -> str:
    """A fund by the code we settled it under: 310101 is the pool-area form of 310100."""
    plain = code[:-1] + "0"
    return plain if code not in known and plain in known else code


def _check_days(claims: ListClaims, visit: VisitFacts) -> None:
    if claims.begin is not None and claims.end is not None and claims.begin > claims.end:
        raise Refused(RefusalCode.DATE_NOT_ALLOWED, "结算开始日期晚于结算结束日期", "list_begin")
    if visit.kind is not VisitKind.STAY:
        return
    ours = (
        ("admitted", claims.admitted, business_date(visit.begin)),
        ("discharged", claims.discharged, visit.end and business_date(visit.end)),
    )
    for field, claimed, day in ours:
        if claimed is not None and day is not None and claimed != day:
            raise Refused(RefusalCode.LIST_DIFFERS, f"清单为{claimed}，平台记录为{day}", field)


# ----------------------------------------------------------------------------------- is reported


def quality(
    claims: ListClaims,
    facts: SettlementFacts,
    visit: VisitFacts,
    identity: Identity,
    diagnoses: Collection[str],
) -> tuple[QualityFinding, ...]:
    """What is wrong with a list that may stand all the same; ``diagnoses`` are the known codes."""
    return (
        *_item_findings(claims),
        *_person_part_findings(claims, facts),
        *_person_findings(claims, identity),
        *_day_findings(claims, visit),
        *_diagnosis_findings(claims, diagnoses),
    )


def _item_findings(claims: ListClaims) -> Iterator[QualityFinding]:
    for place, item in enumerate(claims.items or (), 1):
        parts = item.class_a + item.class_b + item.own + item.other
        if parts != item.amount:
            yield QualityFinding(
                "Q001",
                Severity.WARNING,
                f"iteminfo[{place}].amt",
                f"金额{unscaled(item.amount, 2)}元不等于甲类、乙类、自费和其他之和"
                f"{unscaled(parts, 2)}元",
            )


def _person_part_findings(claims: ListClaims, facts: SettlementFacts) -> Iterator[QualityFinding]:
    if claims.self_paid is None or claims.own_paid is None:
        return
    claimed = claims.self_paid + claims.own_paid
    if claimed != facts.personal:
        yield QualityFinding(
            "Q002",
            Severity.WARNING,
            "setlinfo.psn_selfpay",
            f"个人自付与个人自费之和{unscaled(claimed, 2)}元不等于个人负担"
            f"{unscaled(facts.personal, 2)}元",
        )
    sums = facts.sums
    outside = (sums.own, sums.own + sums.over_limit, sums.total - sums.in_scope)
    if claims.own_paid not in outside:
        yield QualityFinding(
            "Q003",
            Severity.WARNING,
            "setlinfo.psn_ownpay",
            f"个人自费{unscaled(claims.own_paid, 2)}元与平台的范围外费用不一致",
        )


def _person_findings(claims: ListClaims, identity: Identity) -> Iterator[QualityFinding]:
    person = claims.person
    for field, label, claimed, ours in (
        ("psn_name", "姓名", person.name, identity.name),
        ("gend", "性别", person.gender, identity.gender),
        ("brdy", "出生日期", person.birth, identity.birth_date),
        ("certno", "证件号码", person.document_number, identity.document_number),
    ):
        if claimed is not None and claimed != ours:
            text = f"{label}与参保登记不一致"  # the registered value is not told
            yield QualityFinding("Q010", Severity.ERROR, f"setlinfo.{field}", text)


def _day_findings(claims: ListClaims, visit: VisitFacts) -> Iterator[QualityFinding]:
    first = business_date(visit.begin)
    last = business_date(visit.end) if visit.end is not None else None
    if claims.begin is not None and claims.begin < first:
        text = f"结算开始日期{claims.begin}早于就诊开始{first}"
        yield QualityFinding("Q020", Severity.WARNING, "setlinfo.setl_begn_date", text)
    if claims.end is not None and last is not None and claims.end > last:
        text = f"结算结束日期{claims.end}晚于出院{last}"
        yield QualityFinding("Q021", Severity.WARNING, "setlinfo.setl_end_date", text)


def _diagnosis_findings(claims: ListClaims, diagnoses: Collection[str]) -> Iterator[QualityFinding]:
    if not claims.diagnoses:
        yield QualityFinding("Q030", Severity.ERROR, "diseinfo", "没有出院诊断")
    elif claims.main_diagnoses > 1 or (len(claims.diagnoses) > 1 and not claims.main_diagnoses):
        text = f"应有且只有一个主诊断，实为{claims.main_diagnoses}个"
        yield QualityFinding("Q031", Severity.WARNING, "diseinfo.maindiag_flag", text)
    for place, code in enumerate(claims.diagnoses, 1):
        if code not in diagnoses:
            text = f"诊断代码{code}不在医保疾病诊断目录内"
            yield QualityFinding("Q032", Severity.ERROR, f"diseinfo[{place}].diag_code", text)
