"""Mirrors and repetitions of settlements, and whether they may be made. Pure."""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime

from yibao.adjudication.model import CounterKey, Sums
from yibao.kernel.areas import Pool
from yibao.kernel.frozen import replace
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger.model import AccountState, Entry, Part, Posting
from yibao.policy.model import Law, OutOfOrder
from yibao.settlement.bills import snapshot
from yibao.settlement.fees import rules as fee_rules
from yibao.settlement.fees.model import ChargeBatch
from yibao.settlement.model import SettlementFacts, SettlementKind, VisitFacts, VisitState


def cancellation(
    original: SettlementFacts, key: PoolKey, message_id: str, now: datetime, balance: Fen
) -> SettlementFacts:
    """The mirror of a settlement: a new fact with every amount negated."""
    return replace(
        original,
        key=key,
        kind=SettlementKind.CANCELLATION,
        mirrors=original.key,
        settled_at=now,
        message_id=message_id,
        sums=-original.sums,
        deductible=-original.deductible,
        payments=tuple(
            replace(payment, base=-payment.base, amount=-payment.amount)
            for payment in original.payments
        ),
        personal=-original.personal,
        account=-original.account,
        family=-original.family,
        cash=-original.cash,
        hospital_part=-original.hospital_part,
        balance=balance,
        needs_resettlement=False,
        cancelled_by=None,
        insured=None,
    )


def reinstatement(
    original: SettlementFacts, key: PoolKey, message_id: str, now: datetime, balance: Fen
) -> SettlementFacts:
    """The original's amounts again, after its cancellation was reversed."""
    return replace(
        original,
        key=key,
        kind=SettlementKind.REINSTATEMENT,
        mirrors=original.key,
        settled_at=now,
        message_id=message_id,
        balance=balance,
        needs_resettlement=False,
        cancelled_by=None,
        insured=None,
    )


def given_back(mirror: Posting, instead: Mapping[str, str]) -> Posting:
    """The mirror of a posting, as the accounts take it: each refund into the part it came from.

    ``instead``: what takes the place of parts that are closed (``wallets.instead_of_closed``).
    """
    if not instead:
        return mirror
    sums: dict[str, Fen] = {}
    for entry in mirror.entries:
        account = instead.get(entry.account, entry.account)
        sums[account] = sums.get(account, 0) + entry.amount
    entries = tuple(Entry(account, amount) for account, amount in sums.items() if amount)
    return dataclasses.replace(mirror, entries=entries)


def balance_after(parts: Sequence[Part], postings: Sequence[Posting]) -> Fen:
    """What can be spent of an account after postings; nothing of one that is frozen or closed."""
    own = {part.account for part in parts if part.state is AccountState.OPEN}
    moved = [entry.amount for one in postings for entry in one.entries if entry.account in own]
    return sum(part.available for part in parts) + sum(moved)


def check_stands(original: SettlementFacts) -> None:
    """Only a settlement that stands can be cancelled; its supplements go with it."""
    if original.kind is SettlementKind.SUPPLEMENT:
        assert original.mirrors is not None
        raise Refused(
            RefusalCode.SETTLEMENT_UNKNOWN,
            f"该结算ID是补充结算，随原结算 {original.mirrors.text()} 撤销",
            "settlement",
        )
    if original.kind is not SettlementKind.SETTLEMENT:
        raise Refused(
            RefusalCode.SETTLEMENT_UNKNOWN, "该结算ID是一笔撤销记录，不能再撤销", "settlement"
        )
    if original.cancelled_by is not None:
        raise Refused(
            RefusalCode.SETTLEMENT_CANCELLED,
            f"该结算已撤销（撤销结算ID {original.cancelled_by.text()}）",
            "settlement",
        )


def check_open(original: SettlementFacts, *, cleared: bool, closed: bool) -> None:
    """An institution does not touch what is paid out or a year that is closed."""
    if cleared or closed:
        month = business_date(original.settled_at).isoformat()[:7]
        why = f"{month} 已清算" if cleared else "所属待遇年度已关账"
        raise Refused(
            RefusalCode.BUREAU_ALONE,
            f"该结算{why}，医药机构不能撤销；请联系参保地经办机构办理",
            "settlement",
        )


def is_of_stay(original: SettlementFacts) -> bool:
    """Whether a settlement is of a stay: of these alone a bill has a first day."""
    return "begin" in original.snapshot


def covered_by(original: SettlementFacts, batch: int) -> list[int]:
    """The batches that a settlement settled; ``batch`` is the one it is filed under."""
    return list(original.snapshot.get("batches", [batch]))


def discharged_by(original: SettlementFacts) -> datetime | None:
    """The discharge that a settlement alone told of."""
    told = original.snapshot.get("discharges")
    return None if told is None else datetime.fromisoformat(told)


def check_last_of_stay(pool: Pool, later: int | None) -> None:
    """Refused while a later settlement of the stay stands; it is named."""
    if later is not None:
        number = PoolKey(pool, later).text()
        raise Refused(
            RefusalCode.NOT_REVERSIBLE,
            f"该住院之后还有一笔结算（结算ID {number}），须先撤销后面的结算",
            "settlement",
            later=number,
        )


def check_reinstatable(
    original: SettlementFacts,
    visit: VisitFacts,
    batches: Sequence[ChargeBatch],
    covered: Sequence[int],
) -> None:
    """Visit and batches must be as the settlement found them, and no batch before them open."""
    if not _is_as_settled(original, visit):
        raise Refused(
            RefusalCode.NOT_REVERSIBLE,
            "原结算撤销之后，该就诊的登记已撤销或其日期、类别、病种、出院信息已变更，不能恢复原结算",
            "original_message",
        )
    slots = [batch for batch in batches if batch.number in covered]
    found: Mapping[str, Sums] = {}
    for batch in slots:
        found = fee_rules.merged(found, batch.buckets)
    stood = snapshot.buckets_of(original)
    if (
        len(slots) < len(covered)
        or any(batch.living_settlement is not None for batch in slots)
        or fee_rules.in_use(found) != fee_rules.in_use(stood)
    ):
        raise Refused(
            RefusalCode.NOT_REVERSIBLE,
            f"收费批次 {original.batch} 已重新结算，或其明细已变更，不能恢复原结算",
            "original_message",
        )
    if is_of_stay(original) and any(
        batch.living_settlement is None and batch.line_count and batch.number < min(covered)
        for batch in batches
    ):
        raise Refused(
            RefusalCode.NOT_REVERSIBLE,
            "该住院之前的费用尚未结算，不能恢复原结算",
            "original_message",
        )


def _is_as_settled(original: SettlementFacts, visit: VisitFacts) -> bool:
    """Whether the visit says what the settlement was decided from."""
    told, day = original.snapshot, original.day.isoformat()
    begun = business_date(visit.begin).isoformat()
    if visit.state is VisitState.CANCELLED or visit.disease_code != told.get("disease"):
        return False
    if begun != told.get("begun", day):
        return False
    if not is_of_stay(original):
        return True
    # an interim settlement goes up to its last fee, whenever the stay ends
    end = visit.end or discharged_by(original)
    return visit.care_kind == original.care_kind and (
        original.interim
        or (end is not None and business_date(end).isoformat() == told.get("ended", day))
    )


def depended_on(counters_read: Mapping[str, int], moved: Sequence[tuple[CounterKey, int]]) -> bool:
    """Whether a later bill read a counter that a cancelled one had moved."""
    return any(snapshot.counter_text(key) in counters_read for key, _ in moved)


def out_of_order(law: Law, original: SettlementFacts) -> OutOfOrder:
    """What the law says of cancelling a bill that later ones depend on; flagging, unless told."""
    rules = law.benefit_for(original.care_kind, original.day)
    if rules is None or rules.out_of_order is None:
        return OutOfOrder.FLAG
    return rules.out_of_order.find(original.day, {}).value


def check_order(law: Law, original: SettlementFacts, later: Sequence[int]) -> None:
    """Refuse a cancellation that the law wants after those of the bills that depend on it."""
    if later and out_of_order(law, original) is OutOfOrder.REFUSE:
        raise Refused(
            RefusalCode.NOT_REVERSIBLE,
            f"该结算之后还有 {len(later)} 笔结算依赖其累计，须先撤销后面的结算",
            "settlement",
            later=PoolKey(original.visit.pool, max(later)).text(),
        )
