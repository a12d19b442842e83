"""One person's bills decided one after the other: counters and account go along, in memory.

What the settlement room does with stored counters and accounts, without a database: for the
published cases, for explaining bills from files, and for whoever wants to try a law.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from yibao.adjudication.benefit import Decision, decide, needed_counters
from yibao.adjudication.documents.bills import BillDocument
from yibao.adjudication.documents.history import HistoryEntry, counter_met, entry_key
from yibao.adjudication.documents.lines import SplitLine
from yibao.adjudication.documents.values import fault
from yibao.adjudication.model import AccountPart, CounterKey, Statement
from yibao.adjudication.plan import Part
from yibao.kernel.frozen import replace
from yibao.kernel.money import Fen
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.model import Law, OutOfOrder


class Settled(NamedTuple):
    """A decided bill and what stood before and after it."""

    decision: Decision
    met: tuple[CounterKey, ...]
    """The counters that the bill reads or feeds."""
    before: Mapping[CounterKey, int]
    after: Mapping[CounterKey, int]
    account_before: Mapping[str, Fen]
    lines: tuple[SplitLine, ...] = ()
    """The fee lines behind the sums."""
    cancelled: bool = False
    """This is the cancellation: the statement is the mirror of the decision."""

    @property
    def statement(self) -> Statement:
        """What was decided."""
        return self.decision.statement


@dataclass(slots=True)
class Succession:
    """A person's counters and account, moving from bill to bill."""

    law: Law
    counters: dict[CounterKey, int] = field(default_factory=dict)
    account: dict[str, Fen] = field(default_factory=dict)
    decided: list[Settled] = field(default_factory=list)
    """Every bill and cancellation, in order."""
    living: list[Settled] = field(default_factory=list)
    waiting: list[HistoryEntry] = field(default_factory=list)
    """Given counters that no bill has met so far."""

    def settle(self, document: BillDocument) -> Settled:
        """Decide the next bill, and let its counters and its account payment take effect.

        Refused, or LawError about a given counter: nothing has changed but what the document gives.
        """
        bill = document.bill
        met = needed_counters(bill, self.law)
        self._take_over(document, met)
        before, account_before = dict(self.counters), dict(self.account)
        parts = [AccountPart(part, part, left) for part, left in self.account.items() if left]
        decision = decide(bill, self.law, self.counters, parts)
        self._move(decision.statement, 1)
        settled = Settled(
            decision, met, before, dict(self.counters), account_before, document.lines
        )
        self.living.append(settled)
        self.decided.append(settled)
        return settled

    def cancel(self, visit: str) -> Settled:
        """Cancel the last bill of a visit: everything it moved goes back.

        Refused: SETTLEMENT_UNKNOWN when there is none; NOT_REVERSIBLE when the law wants the later
        bills that depend on it cancelled first (``out_of_order``).
        """
        for settled in reversed(self.living):
            if settled.decision.bill.visit == visit:
                break
        else:
            raise Refused(
                RefusalCode.SETTLEMENT_UNKNOWN, f"没有就诊 {visit} 的结算", field="cancels"
            )
        self._check_order(settled)
        self.living.remove(settled)
        before, account_before = dict(self.counters), dict(self.account)
        self._move(settled.statement, -1)
        undone = replace(settled.decision, statement=mirrored(settled.statement))
        mirror = Settled(
            undone, settled.met, before, dict(self.counters), account_before, cancelled=True
        )
        self.decided.append(mirror)
        return mirror

    def _check_order(self, settled: Settled) -> None:
        """Refuse where the law does, if a later bill meets a counter that this one moved."""
        moved = {key for key, _ in settled.statement.counters}
        later = self.living[self.living.index(settled) + 1 :]
        rules = [
            part.found.rules for part in settled.decision.parts if isinstance(part.found, Part)
        ]
        orders = [
            r.out_of_order.find(settled.decision.bill.day, {}).value
            for r in rules
            if r.out_of_order
        ]
        if OutOfOrder.REFUSE in orders and any(moved.intersection(one.met) for one in later):
            raise Refused(
                RefusalCode.NOT_REVERSIBLE, "之后还有结算依赖其累计，须先撤销", field="cancels"
            )

    def unmet(self) -> HistoryEntry | None:
        """A given counter that none of the bills met, if there is one."""
        return self.waiting[0] if self.waiting else None

    def _take_over(self, document: BillDocument, met: tuple[CounterKey, ...]) -> None:
        if document.account is not None:
            self.account = dict(document.account)
        given, self.waiting = [*self.waiting, *document.history], []
        said: dict[CounterKey, HistoryEntry] = {}
        for entry in given:
            key = entry_key(entry, met)
            if key is None:
                self.waiting.append(entry)
                continue
            if key in said:
                reason = f"is the same counter as {said[key].where.path}: say one of the two"
                raise fault(entry.where, reason)
            self.counters[key], said[key] = entry.value, entry

    def _move(self, statement: Statement, sign: int) -> None:
        for key, delta in statement.counters:
            self.counters[key] = self.counters.get(key, 0) + sign * delta
        for part, amount in statement.account:
            self.account[part] -= sign * amount


def refuse_unmet(succession: Succession) -> None:
    """Refuse a given counter that none of the bills met: it would silently change nothing."""
    entry = succession.unmet()
    if entry is not None:
        raise fault(
            entry.where, f"no bill here reads or feeds this counter{_instances(succession, entry)}"
        )


def _instances(succession: Succession, entry: HistoryEntry) -> str:
    """The instances of a counter that the bills did meet."""
    met = {key for one in succession.decided for key in counter_met(entry.name, one.met)}
    return f"; they meet {', '.join(sorted(f'{k.name}@{k.scope}' for k in met))}" if met else ""


def mirrored(statement: Statement) -> Statement:
    """The statement of a cancellation: every figure with the other sign."""
    sums = statement.sums
    return replace(
        statement,
        sums=type(sums)(
            *(
                -part
                for part in (
                    sums.total,
                    sums.own,
                    sums.over_limit,
                    sums.first_pay,
                    sums.in_scope,
                    sums.hospital,
                )
            )
        ),
        deductible=-statement.deductible,
        payments=tuple(replace(p, base=-p.base, amount=-p.amount) for p in statement.payments),
        personal=-statement.personal,
        account=tuple((part, -amount) for part, amount in statement.account),
        cash=-statement.cash,
        hospital_part=-statement.hospital_part,
        family_accounts=tuple((part, -paid) for part, paid in statement.family_accounts),
        counters=tuple((key, -delta) for key, delta in statement.counters),
    )
