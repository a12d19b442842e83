"""A chain of bills decided again one after the other, and what each difference is booked as. Pure.

The chain is a serial replay: each bill finds the counters that the bills before it, decided anew,
have left. So afterwards the counters, and what the funds paid, are those of the replay.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from yibao.adjudication.benefit import benefit, needed_counters
from yibao.adjudication.model import AccountPart, CounterKey, FamilyAccount, Statement, Sums
from yibao.kernel.frozen import replace
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.ledger.model import Entry, Posting, fund_account, owed_account
from yibao.settlement.affected.rules import Anew, Renew
from yibao.settlement.bills import snapshot, standing
from yibao.settlement.bills.recomputation import amounts_of
from yibao.settlement.bills.snapshot import Snapshot
from yibao.settlement.bills.standing import Entries
from yibao.settlement.model import (
    BUREAU,
    Origin,
    Payee,
    PaymentFacts,
    SettlementFacts,
    SettlementKind,
)


@dataclass(frozen=True, slots=True)
class Living:
    """A living bill as it stands, and what is stored of it."""

    facts: SettlementFacts
    batch: int
    entries: Entries
    """What it and its supplements added to counters."""
    paid: Mapping[str, Fen]
    """What it and its supplements took from parts of personal accounts, by ledger account."""

    @property
    def number(self) -> int:
        """The settlement's number."""
        assert self.facts.key is not None, "a stored settlement has a number"
        return self.facts.key.number


class Redecided(NamedTuple):
    """A living bill and what it comes to now."""

    bill: Living
    anew: Anew
    stood: Snapshot
    history: Mapping[CounterKey, int]
    parts: tuple[AccountPart, ...]
    statement: Statement

    @property
    def moves(self) -> dict[CounterKey, int]:
        """By how much counters are wrong."""
        return difference(self.statement.counters, self.bill.entries)

    @property
    def differences(self) -> dict[str, Fen]:
        """By how much amounts differ, but for those that the money is found by."""
        before, after = amounts_of(self.bill.facts), amounts_of(self.statement)
        names = dict.fromkeys((*before, *after))
        changes = {name: after.get(name, 0) - before.get(name, 0) for name in names}
        return {
            name: change for name, change in changes.items() if change and name not in _BY_MONEY
        }

    @property
    def changed(self) -> bool:
        """Whether the bill, or what it added to counters, comes out otherwise."""
        return bool(self.moves or self.differences)


_BY_MONEY = ("personal", "account", "family", "cash", "hospital_part")


def replayed(
    chain: Sequence[Living], counters: Mapping[CounterKey, int], renew: Renew, first: int
) -> list[Redecided]:
    """The bills from the one of number ``first`` on, decided again in their order.

    ``counters`` is what stood before the chain. Refused, naming the bill, when one of them cannot
    be decided as wanted.
    """
    running = dict(counters)
    account: dict[str, Fen] = {}
    decided: list[Redecided] = []
    begun = False
    for bill in chain:
        begun = begun or bill.number == first
        if not begun:
            _add(running, bill.entries)
            continue
        again = _again(bill, running, account, renew)
        _add(running, again.statement.counters)
        for part, amount in bill.paid.items():
            account[part] = account.get(part, 0) + amount
        for part, amount in _used(again.statement).items():
            account[part] = account.get(part, 0) - amount
        decided.append(again)
    return decided


def _again(
    bill: Living, running: Mapping[CounterKey, int], account: Mapping[str, Fen], renew: Renew
) -> Redecided:
    stood = snapshot.read(bill.facts)
    anew = renew(bill.facts, stood)
    if isinstance(anew, Refusal):
        raise _named(bill, anew)
    parts = tuple(_drifted(part, account) for part in stood.account)
    family = [
        FamilyAccount(tuple(_drifted(part, account) for part in one.parts), one.limit)
        for one in stood.family
    ]
    try:
        needed = needed_counters(anew.bill, anew.law)
        history = {key: max(0, running.get(key, 0)) for key in needed}
        statement = benefit(anew.bill, anew.law, history, parts, family)
    except Refused as refused:
        raise _named(bill, refused.refusal) from refused
    return Redecided(bill, anew, stood, history, parts, statement)


def _named(bill: Living, refusal: Refusal) -> Refused:
    assert bill.facts.key is not None
    key = bill.facts.key.text()
    told = {**refusal.facts, "settlement": key}
    return Refused(refusal.code, f"结算 {key}：{refusal.message}", refusal.field, **told)


def _drifted(part: AccountPart, account: Mapping[str, Fen]) -> AccountPart:
    available = max(0, part.available + account.get(part.key, 0))
    return AccountPart(part.key, part.origin, available)


def _add(running: dict[CounterKey, int], entries: Entries) -> None:
    for key, delta in entries:
        running[key] = running.get(key, 0) + delta


def _used(statement: Statement) -> dict[str, Fen]:
    return dict((*statement.account, *statement.family_accounts))


def difference(after: Entries, before: Entries) -> dict[CounterKey, int]:
    """What must be added to ``before`` to come to ``after``."""
    return standing.summed([after, [(key, -delta) for key, delta in before]])


def check_only_new_payers(redecided: Sequence[Redecided]) -> None:
    """A later payer pays beside the others: where more would change, the chain is re-settled."""
    for one in redecided:
        before = {payment.payer: payment.amount for payment in one.bill.facts.payments}
        after = {payment.payer: payment.amount for payment in one.statement.payments}
        kept = all(after.get(payer, 0) == amount for payer, amount in before.items())
        if not kept or one.statement.deductible != one.bill.facts.deductible:
            assert one.bill.facts.key is not None
            raise Refused(
                RefusalCode.FIELD_CONTRADICTS,
                f"结算 {one.bill.facts.key.text()} 除新增的支付方外还有其他金额变化，"
                "请改用 corrections.resettle 重新结算",
                "member",
            )


# ----------------------------------------------------------------------------------- what is booked


class Supplement(NamedTuple):
    """The row that carries a bill's difference, and the money that moves with it."""

    facts: SettlementFacts
    posting: Posting
    to_accounts: Fen
    owed: Fen


def supplement(
    one: Redecided, key: PoolKey, origin: Origin, now: datetime, day: date
) -> Supplement:
    """Book the difference of a bill: funds against the person; total and hospital stay.

    What the funds take over goes back into the accounts that had paid too much, and the rest is
    owed to the person; what they had paid too much is owed by the person.
    """
    facts, statement = one.bill.facts, one.statement
    _check_cost(one)
    payments = _payment_changes(facts.payments, statement)
    more = sum(payment.amount for payment in payments)
    own, relatives = _refunds(one, more)
    back = sum(own.values()) + sum(relatives.values())
    entries = (
        *(Entry(fund_account(payment.fund), -payment.amount) for payment in payments),
        *(Entry(account, amount) for account, amount in (own | relatives).items()),
        Entry(owed_account(facts.member), more - back),
    )
    row = replace(
        facts,
        key=key,
        kind=SettlementKind.SUPPLEMENT,
        mirrors=facts.key,
        institution=BUREAU,
        origin=origin,
        payee=Payee.PERSON,
        person_type=one.anew.bill.person.person_type,
        level=one.anew.bill.provider.level.value,
        settled_at=now,
        message_id="",
        sums=_changed_sums(statement.sums, facts.sums),
        deductible=statement.deductible - facts.deductible,
        payments=payments,
        personal=-more,
        account=-sum(own.values()),
        family=-sum(relatives.values()),
        cash=back - more,
        hospital_part=0,
        law=one.anew.law.fingerprint,
        snapshot=_snapshot(one),
        needs_resettlement=False,
        cancelled_by=None,
        supplements=(),
    )
    posting = Posting(key.number, day, tuple(entry for entry in entries if entry.amount))
    return Supplement(row, posting, back, more - back)


def _check_cost(one: Redecided) -> None:
    """A correction never changes what the bill cost."""
    assert one.bill.facts.key is not None
    if one.statement.sums.total != one.bill.facts.sums.total:
        raise Refused(
            RefusalCode.TOTAL_DIFFERS,
            f"结算 {one.bill.facts.key.text()} 的费用明细已变更，须撤销后重新结算",
            "settlement",
        )


def _payment_changes(
    before: Sequence[PaymentFacts], statement: Statement
) -> tuple[PaymentFacts, ...]:
    undone = [replace(payment, amount=-payment.amount) for payment in before]
    done = [
        PaymentFacts(
            payment.fund,
            payment.amount_field,
            payment.base,
            payment.amount,
            payment.available,
            None if payment.rate is None else payment.rate.text(),
            payment.payer,
        )
        for payment in statement.payments
    ]
    return standing.paid_by_payer([*undone, *done])


def _refunds(one: Redecided, more: Fen) -> tuple[dict[str, Fen], dict[str, Fen]]:
    """What goes back to parts that would pay less now, the own account's and relatives'."""
    left = max(0, more)
    mine: dict[str, Fen] = {}
    relatives: dict[str, Fen] = {}
    now = _used(one.statement)
    for account, paid in one.bill.paid.items():
        back = min(left, max(0, paid - now.get(account, 0)))
        if back:
            own = account.startswith(f"account:{one.bill.facts.member}:")
            (mine if own else relatives)[account] = back
            left -= back
    return mine, relatives


def _changed_sums(after: Sums, before: Sums) -> Sums:
    return Sums(
        after.total - before.total,
        after.own - before.own,
        after.over_limit - before.over_limit,
        after.first_pay - before.first_pay,
        after.in_scope - before.in_scope,
    )


def _snapshot(one: Redecided) -> dict[str, object]:
    """What decided the bill now; what only undoing asks of the original stays with it."""
    told = one.bill.facts.snapshot
    written = snapshot.written(
        one.anew.bill, one.history, one.parts, told["catalogue"], told.get("family", ())
    )
    kept = {name: told[name] for name in _FOR_UNDOING if name in told}
    return {**written, **kept, "causes": list(one.anew.causes)}


_FOR_UNDOING = ("begun", "ended", "batches", "discharges")
