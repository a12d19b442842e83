"""One person's history of care, lived through the room in any order and checked by the pure law.

``History`` does what hospitals and pharmacies do, right or wrong; what is refused must change
nothing. Its own books know only the bills that stand, each decided anew by ``benefit``.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

from tests.settlement.builders import (
    CEILED,
    CLASS_A,
    CLASS_B,
    CLASS_C,
    CLINIC,
    LIMITED,
    NOON,
    OTHER_TERTIARY,
    PHARMACY,
    POOL,
    TERTIARY,
    Town,
    key_of,
    laws_of_beijing,
    line,
    return_of,
    set_terms,
)
from yibao.adjudication.benefit import benefit
from yibao.adjudication.model import CounterKey, Statement
from yibao.kernel.money import line_amount, round_half_up, scaled, yuan
from yibao.kernel.refusals import Refused
from yibao.ledger import service as ledger
from yibao.ledger.model import claimed_account, collected_account
from yibao.platform.commands.model import Done, Outcome
from yibao.policy.model import Law
from yibao.settlement.accumulators import store as accumulators
from yibao.settlement.bills import snapshot
from yibao.settlement.bills.recomputation import amounts_of
from yibao.settlement.model import (
    ALL_BATCHES,
    CancelAdmission,
    CancelRegistration,
    ChangeAdmission,
    FeeLine,
    ReopenStay,
    Reverse,
    SettlementFacts,
    VisitFacts,
    VisitKind,
    WithdrawFees,
    WithdrawLines,
)

ITEMS = (CLASS_A, CLASS_B, CLASS_C, CEILED, LIMITED)
PRICES = ("0.01", "0.333333", "3.335", "7.77", "1234.56", "25000")
BASKETS = ("0", "0.01", "7.77", "1234.56", "9999.99")
INSTITUTIONS = (CLINIC, TERTIARY, OTHER_TERTIARY, PHARMACY)
ACCOUNT = {"2026:current": 50_000, "2025:carried": 12_345}
SETTLES = {VisitKind.OUTPATIENT: "2207", VisitKind.STAY: "2304", VisitKind.PURCHASE: "2102"}
CANCELS = {VisitKind.OUTPATIENT: "2208", VisitKind.STAY: "2305", VisitKind.PURCHASE: "2103"}


@cache
def _law(fingerprint: str) -> Law:
    return next(law for law in laws_of_beijing().laws.values() if law.fingerprint == fingerprint)


def decided_anew(settled: SettlementFacts) -> Statement:
    """What the pure law makes of a bill's own facts."""
    bill, history, account, family = snapshot.read(settled)
    return benefit(bill, _law(settled.law), history, account, family)


@dataclass
class History:
    """A person, what was done for them so far, and the books as they should be."""

    town: Town
    member: str
    visits: list[VisitFacts] = field(default_factory=list)
    lines: dict[int, list[FeeLine]] = field(default_factory=dict)
    """Sent lines by visit, withdrawn ones too."""
    bills: list[SettlementFacts] = field(default_factory=list)
    mirrors: list[tuple[SettlementFacts, SettlementFacts]] = field(default_factory=list)
    """Each with the bill it mirrors."""
    standing: set[int] = field(default_factory=set)
    """Numbers of the bills that stand."""
    sent: list[tuple[Any, str, str]] = field(default_factory=list)
    """Requests that were done: with their message and transaction."""

    @classmethod
    async def begun(cls, town: Town) -> "History":
        """A person with an account in two parts, and nothing else."""
        town.clock.set(NOON)
        return cls(town, await town.insure(account="500", carried="123.45"))

    # ------------------------------------------------------------------------------- the right way

    async def visit(self, a: int, b: int) -> None:
        """Register, describe and charge; 2207 may follow."""
        town, institution = self.town, INSTITUTIONS[a % 3]
        done = await self._send(town.registration(self.member, institution))
        if done is not None:
            await self._send(town.description(done))
            self.visits.append(done)
            await self.charge(len(self.visits) - 1, b)

    async def admit(self, a: int, b: int) -> None:
        """Admit, perhaps some days back."""
        begin = self.town.clock.now() - timedelta(days=b % 6)
        request = self.town.admission(self.member, INSTITUTIONS[1 + a % 2], begin=begin)
        done = await self._send(request)
        if done is not None:
            self.visits.append(done)

    async def charge(self, a: int, b: int) -> None:
        """Upload one line to some visit."""
        if visit := self._visit(a):
            sent = self._line(visit, b)
            if await self._send(self.town.upload(visit, sent), stay=visit.kind) is not None:
                self.lines.setdefault(visit.key.number, []).append(sent)

    def _line(self, visit: VisitFacts, b: int) -> FeeLine:
        item, price = ITEMS[b % len(ITEMS)], PRICES[b // 5 % len(PRICES)]
        quantity = f"{1 + b % 9}"
        amount = yuan(line_amount(scaled(price, 6), scaled(quantity, 4)))
        approval = "1" if b % 2 else "0"
        batch = "" if visit.kind is VisitKind.STAY else f"B{b % 2}"
        serial = f"s{len(self.sent)}-{len(self.lines.get(visit.key.number, ()))}"
        time = max(visit.begin, self.town.clock.now() - timedelta(days=b % 3))
        return line(
            serial, amount, item=item, price=price, quantity=quantity, approval=approval,
            batch=batch, time=time,
        )  # fmt: skip

    async def give_back(self, a: int, b: int) -> None:
        """Return some of a line; perhaps more than is left of it."""
        visit = self._visit(a, VisitKind.STAY)
        sold = [one for one in self._lines_of(visit) if one.returns is None]
        if visit is None or not sold:
            return
        original = sold[b % len(sold)]
        count = 1 + b // 7 % 9
        amount = round_half_up(original.amount * count * 10_000, original.quantity)
        back = return_of(original, f"r{len(self.sent)}-{b}", str(count), yuan(amount))
        if await self._send(self.town.upload(visit, back), stay=visit.kind) is not None:
            self.lines[visit.key.number].append(back)

    async def withdraw(self, a: int, b: int) -> None:
        """Withdraw some lines of a stay, or a batch of a visit; perhaps all."""
        visit = self._visit(a)
        if visit is None:
            return
        named = (visit.institution, self.member, visit.key)
        if visit.kind is VisitKind.STAY:
            serials = tuple(
                one.serial for n, one in enumerate(self._lines_of(visit)) if b >> n % 8 & 1
            )
            wanted = serials if b % 5 and serials else (ALL_BATCHES,)
            await self._send(WithdrawLines(*named, wanted))
        else:
            await self._send(WithdrawFees(*named, f"B{b % 2}" if b % 5 else ALL_BATCHES))

    async def settle(self, a: int, b: int) -> None:
        """Settle whatever is open of some visit: tried before, and equal to its trial."""
        visit = self._visit(a)
        if visit is None:
            return
        batch = "" if visit.kind is VisitKind.STAY else f"B{b % 2}"
        total = await self._open_total(visit, batch)
        account = b % 3 != 0
        if visit.kind is VisitKind.STAY:
            told = self.town.clock.now() - timedelta(days=b % 3) if b % 4 == 0 else None
            request = self.town.stay_settlement(
                visit, total, interim=b % 4 > 1, discharged_at=told, use_account=account
            )
        else:
            request = self.town.settlement(visit, total, batch=batch, use_account=account)
        await self._settle(request)

    async def buy(self, a: int, b: int) -> None:
        """Buy at the pharmacy."""
        sent = line(
            "1", BASKETS[b % 5], item=ITEMS[a % 5], batch="", time=self.town.clock.now(),
            approval="1",
        )  # fmt: skip
        request = self.town.purchase(self.member, sent)
        outcome = await self._settle(request)
        if outcome is not None:
            assert sum(one.line.amount for one in outcome.lines) == outcome.sums.total

    async def _settle(self, request: Any) -> SettlementFacts | None:
        counters, account = self.counters(), self.account()
        try:
            tried = await self.town.trial(request)
        except Refused:
            tried = None
        settled: SettlementFacts | None = await self._send(request)
        assert (tried is None) is (settled is None)
        if tried is None or settled is None:
            return None
        assert amounts_of(tried) == amounts_of(settled)
        self._check(settled, counters, account)
        self.bills.append(settled)
        self.standing.add(key_of(settled).number)
        return settled

    def _check(
        self, settled: SettlementFacts, counters: Mapping[CounterKey, int], account: dict[str, int]
    ) -> None:
        """Decided from the bills that stand, and as the law decides."""
        _, history, parts, _ = snapshot.read(settled)
        assert history == {key: counters.get(key, 0) for key in history}
        held = {f"account:{self.member}:{name}": amount for name, amount in account.items()}
        assert {part.key: part.available for part in parts} == held
        assert amounts_of(decided_anew(settled)) == amounts_of(settled)
        sums = settled.sums
        assert min(sums.total, sums.own, sums.over_limit, sums.first_pay, sums.in_scope) >= 0

    # ---------------------------------------------------------------------------- the way back

    async def discharge(self, a: int, b: int) -> None:
        """Discharge, perhaps some days back."""
        if visit := self._visit(a, VisitKind.STAY):
            end = self.town.clock.now() - timedelta(days=b % 4)
            await self._send(self.town.discharge(visit, end))

    async def reopen(self, a: int, b: int) -> None:
        """Take a discharge back."""
        if visit := self._visit(a, VisitKind.STAY):
            await self._send(ReopenStay(visit.institution, self.member, visit.key))

    async def change(self, a: int, b: int) -> None:
        """Correct an admission's day."""
        if visit := self._visit(a, VisitKind.STAY):
            begin = visit.begin - timedelta(days=b % 5)
            admission = self.town.admission(self.member, visit.institution, begin=begin)
            await self._send(ChangeAdmission(visit.institution, self.member, visit.key, admission))

    async def deregister(self, a: int, b: int) -> None:
        """Take a registration or an admission back."""
        if visit := self._visit(a):
            named = (visit.institution, self.member, visit.key)
            stay = visit.kind is VisitKind.STAY
            await self._send(CancelAdmission(*named) if stay else CancelRegistration(*named, "MZ1"))

    async def cancel(self, a: int, b: int) -> None:
        """Cancel some bill, standing or not."""
        if not self.bills:
            return
        bill = self.bills[-1 - a % len(self.bills)]
        mirror = await self._send(self.town.cancellation(bill), transaction=self._of(bill, CANCELS))
        if mirror is not None:
            assert mirror.sums.total == -bill.sums.total
            self.standing.remove(key_of(bill).number)
            self.mirrors.append((mirror, bill))

    async def reverse(self, a: int, b: int) -> None:
        """Send 2601 for some settlement, or for some cancellation."""
        if b % 2 and self.mirrors:
            mirror, bill = self.mirrors[-1 - a % len(self.mirrors)]
            stood = key_of(bill).number in self.standing
            request = self._reversal(mirror, self._of(bill, CANCELS))
            rows = await self._rows()
            if await self._send(request) is not None and await self._rows() > rows:
                assert not stood
                self.standing.add(key_of(bill).number)
        elif self.bills:
            bill = self.bills[-1 - a % len(self.bills)]
            request = self._reversal(bill, self._of(bill, SETTLES))
            if await self._send(request) is not None:
                self.standing.discard(key_of(bill).number)

    async def repeat(self, a: int, b: int) -> None:
        """Send some message again, as it was: nothing happens."""
        if self.sent:
            request, message, transaction = self.sent[-1 - a % len(self.sent)]
            rows = await self._rows()
            outcome = await self.town.send(request, message=message, transaction=transaction)
            assert not isinstance(outcome, Done) or outcome.replayed
            assert await self._rows() == rows

    async def wait(self, a: int, b: int) -> None:
        """Let time pass; the share of a drug changes with it."""
        self.town.clock.set(self.town.clock.now() + timedelta(hours=1, days=(0, 1, 9, 40)[a % 4]))
        if b % 3 == 0:
            async with self.town.database.writer() as connection:
                now = self.town.clock.now()
                await set_terms(connection, now, CLASS_B, "02", (1000, 3333, 500)[b % 7 % 3])
                await connection.execute("UPDATE registry.version SET number = number + 1")

    async def end(self) -> None:
        """Cancel all that stands, the last first."""
        for number in sorted(self.standing, reverse=True):
            bill = next(bill for bill in self.bills if key_of(bill).number == number)
            await self.town.do(self.town.cancellation(bill), transaction=self._of(bill, CANCELS))
        self.standing.clear()

    # -------------------------------------------------------------------------------- the books

    def living(self) -> list[SettlementFacts]:
        """The bills that stand."""
        return [bill for bill in self.bills if key_of(bill).number in self.standing]

    def counters(self) -> dict[CounterKey, int]:
        """What the bills that stand add up to, by the pure law."""
        total: Counter[CounterKey] = Counter()
        for bill in self.living():
            total.update(dict(decided_anew(bill).counters))
        return {key: value for key, value in total.items() if value}

    def account(self) -> dict[str, int]:
        """What they have left of the account, by part."""
        left = dict(ACCOUNT)
        for bill in self.living():
            for name, amount in decided_anew(bill).account:
                left[name.split(":", 2)[2]] -= amount
        return left

    async def check(self) -> None:
        """The room's books are what the bills that stand add up to."""
        expected = {snapshot.counter_text(key): value for key, value in self.counters().items()}
        assert await self.town.counters(self.member) == expected
        async with self.town.database.reader(None) as connection:
            parts = (await ledger.balances(connection, POOL, [self.member]))[self.member]
            assert {part.name: part.amount for part in parts} == self.account()
            await self._check_batches(connection)
            await self._check_money(connection)
            assert await accumulators.inconsistencies(connection) == []
        assert await self.town.faults() == []

    async def _check_batches(self, connection: Any) -> None:
        rows = await connection.fetch(
            """SELECT batch.id, batch.line_count, batch.buckets, batch.living_settlement,
                      count(line.serial) AS lines, coalesce(sum(line.amount), 0)::bigint AS total,
                      coalesce(sum(line.own), 0)::bigint AS own,
                      coalesce(sum(line.over_limit), 0)::bigint AS over_limit,
                      coalesce(sum(line.first_pay), 0)::bigint AS first_pay,
                      coalesce(sum(line.in_scope), 0)::bigint AS in_scope
               FROM settlement.visible_batch AS batch
               JOIN settlement.visible_visit AS visit USING (pool)
               LEFT JOIN settlement.visible_line AS line
                 ON line.batch = batch.id AND line.withdrawn_at IS NULL
               WHERE visit.id = batch.visit AND visit.member = $1 AND NOT batch.withdrawn
               GROUP BY 1, 2, 3, 4""",
            self.member,
        )
        settled: Counter[int] = Counter()
        for row in rows:
            sums = [sum(parts) for parts in zip(*row["buckets"].values(), strict=True)] or [0] * 5
            assert row["line_count"] == row["lines"]
            parts = [row[n] for n in ("total", "own", "over_limit", "first_pay", "in_scope")]
            assert sums[:5] == parts
            if row["living_settlement"] is not None:
                settled[row["living_settlement"]] += row["total"]
        assert set(settled) == self.standing
        assert {key_of(bill).number: bill.sums.total for bill in self.living()} == settled
        # of a line and its returns no part is overdrawn, and nothing is left of one given back
        for row in await connection.fetch(
            """SELECT sum(quantity) AS left, sum(own) AS own, sum(over_limit) AS over_limit,
                      sum(first_pay) AS first_pay, sum(in_scope) AS in_scope
               FROM settlement.visible_line AS line
               JOIN settlement.visible_visit AS visit
                 ON visit.pool = line.pool AND visit.id = line.visit
               WHERE visit.member = $1 AND NOT withdrawn AND withdrawn_at IS NULL
               GROUP BY visit, coalesce(returns, serial)""",
            self.member,
        ):
            parts = [row[n] for n in ("own", "over_limit", "first_pay", "in_scope")]
            assert min(parts) >= 0
            assert row["left"] >= 0
            assert row["left"] or not any(parts)

    async def _check_money(self, connection: Any) -> None:
        living = self.living()
        numbers = [
            row["id"]
            for row in await connection.fetch(
                "SELECT id FROM settlement.visible_settlement WHERE member = $1", self.member
            )
        ]
        net: Counter[str] = Counter()
        for entries in (await ledger.entries_of(connection, POOL, numbers)).values():
            for account, amount in entries:
                net[account] += amount
        for institution in INSTITUTIONS:
            own = [bill for bill in living if bill.institution == institution]
            assert net[claimed_account(institution)] == sum(b.funds + b.account for b in own)
            assert net[collected_account(institution)] == sum(b.cash for b in own)
        total = await connection.fetchval(
            "SELECT sum(total)::bigint FROM settlement.visible_settlement WHERE member = $1",
            self.member,
        )
        assert (total or 0) == sum(bill.sums.total for bill in living)

    # --------------------------------------------------------------------------------- private

    async def _send(
        self, request: Any, *, transaction: str | None = None, stay: VisitKind | None = None
    ) -> Any:
        if stay is VisitKind.STAY:
            transaction = "2301"
        command = self.town.command(request, transaction=transaction)
        outcome: Outcome = await self.town.commands.submit(command)
        if not isinstance(outcome, Done):
            assert outcome.code.name != "FAILED", outcome
            return None
        self.sent.append((command.request, command.key.message_id, command.key.transaction))
        return True if outcome.result is None else outcome.result

    def _visit(self, a: int, kind: VisitKind | None = None) -> VisitFacts | None:
        found = [visit for visit in self.visits if kind in (None, visit.kind)]
        return found[-1 - a % len(found)] if found else None

    def _lines_of(self, visit: VisitFacts | None) -> list[FeeLine]:
        return [] if visit is None else self.lines.get(visit.key.number, [])

    def _of(self, bill: SettlementFacts, numbers: Mapping[VisitKind, str]) -> str:
        visits = {visit.key: visit.kind for visit in self.visits}
        return numbers[visits.get(bill.visit, VisitKind.PURCHASE)]

    def _reversal(self, facts: SettlementFacts, transaction: str) -> Reverse:
        return Reverse(facts.institution, self.member, transaction, facts.message_id, "")

    async def _rows(self) -> int:
        return await self.town.rows("settlement.visible_settlement")

    async def _open_total(self, visit: VisitFacts, batch: str) -> str:
        async with self.town.database.reader(None) as connection:
            total = await connection.fetchval(
                """SELECT coalesce(sum(amount), 0)::bigint FROM settlement.visible_line
                   WHERE visit = $1 AND ($2 = '' OR label = $2) AND NOT withdrawn
                     AND withdrawn_at IS NULL AND living_settlement IS NULL""",
                visit.key.number,
                batch,
            )
        return yuan(max(0, total))
