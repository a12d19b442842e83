"""Whatever happens to a family's accounts, every fen is where a simple book says it is."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.accounts.builders import balance_of, let_pay, parts_of, unit, withdraw
from tests.settlement.builders import EMPLOYEE, POOL, RESIDENT, Town
from yibao.accounts.events import service as events
from yibao.accounts.events.model import Heir
from yibao.kernel.areas import Pool
from yibao.kernel.money import yuan
from yibao.ledger import service as ledger
from yibao.ledger.model import Credit, owed_account, transit_account
from yibao.registry.family.model import FamilyLink
from yibao.registry.people import service as people
from yibao.settlement.model import SettlementFacts

ORDER = ("2025:carried", "2026:current")
"""How Beijing's law spends relatives' parts; the own account is spent the other way round."""


@dataclass
class Family:
    """Two owners and a child without an account, and the book as it should be."""

    town: Town
    owners: list[str]
    child: str
    parts: dict[str, dict[str, int]]
    owed: Counter[str] = field(default_factory=Counter)
    transit: int = 0
    frozen: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)
    links: list[FamilyLink] = field(default_factory=list)
    bills: list[tuple[SettlementFacts, list[tuple[str, str, int]]]] = field(default_factory=list)
    """Those that stand, each with (member, part, amount) that accounts paid."""

    @classmethod
    async def begun(cls, town: Town) -> "Family":
        """A family in a town that may have others."""
        owners = [await town.insure(account="60", carried="30") for _ in range(2)]
        child = await town.insure("1501", RESIDENT)
        parts = {owner: {"2025:carried": 3_000, "2026:current": 6_000} for owner in owners}
        return cls(town, owners, child, parts)

    # ------------------------------------------------------------------------------------ steps

    async def credit(self, a: int, b: int) -> None:
        """A credit, to whoever's account takes one."""
        owner = self.owners[a % 2]
        if owner not in self.closed:
            async with unit(self.town) as u:
                await ledger.credit(u, [Credit(owner, EMPLOYEE, 2026, "current", b + 1)])
            self.parts[owner]["2026:current"] += b + 1

    async def spend(self, a: int, b: int) -> None:
        """An owner's own bill."""
        owner = self.owners[a % 2]
        if owner not in self.dead:
            bill = await self.town.bill(owner, yuan(b * 4 + 1))
            paid = self._take(owner, bill.personal, tuple(reversed(ORDER)), None)
            assert (bill.account, bill.family) == (sum(one[2] for one in paid), 0)
            self.bills.append((bill, paid))

    async def share(self, _: int, b: int) -> None:
        """The child's bill."""
        bill = await self.town.bill(self.child, yuan(b * 4 + 1), scheme=RESIDENT)
        paid: list[tuple[str, str, int]] = []
        for link in sorted(self.links, key=lambda link: link.place):
            left = bill.personal - sum(one[2] for one in paid)
            paid += self._take(link.member, left, ORDER, link.bill_limit)
        assert (bill.account, bill.family) == (0, sum(one[2] for one in paid))
        self.bills.append((bill, paid))

    def _take(
        self, owner: str, wanted: int, order: tuple[str, ...], limit: int | None
    ) -> list[tuple[str, str, int]]:
        if owner in self.frozen | self.closed:
            return []
        left = wanted if limit is None else min(wanted, limit)
        taken = []
        for part in order:
            amount = min(left, self.parts[owner][part])
            if amount:
                self.parts[owner][part] -= amount
                left -= amount
                taken.append((owner, part, amount))
        return taken

    async def refund(self, a: int, b: int) -> None:
        """The cancellation of any bill that stands."""
        if self.bills:
            bill, paid = self.bills.pop((a * 7 + b) % len(self.bills))
            await self.town.do(self.town.cancellation(bill))
            for owner, part, amount in paid:
                if owner in self.closed:
                    self.owed[owner] += amount
                else:
                    self.parts[owner][part] += amount

    async def link(self, a: int, b: int) -> None:
        """An owner agrees to pay, some up to a limit a bill."""
        owner = self.owners[a % 2]
        if owner in self.frozen | self.closed | self.dead or any(
            link.member == owner for link in self.links
        ):
            return
        limit = {"bill_limit": "5"} if b % 2 else {}
        self.links.append(await let_pay(self.town, owner, self.child, **limit))

    async def withdraw(self, a: int, _: int) -> None:
        """An owner thinks better of it."""
        if self.links:
            await withdraw(self.town, self.links.pop(a % len(self.links)))

    async def freeze(self, a: int, _: int) -> None:
        """An account is frozen, or released."""
        owner = self.owners[a % 2]
        if owner in self.closed:
            return
        async with unit(self.town) as u:
            if owner in self.frozen:
                await events.release(u, owner, "测试")
            else:
                await events.freeze(u, owner, "测试")
        self.frozen ^= {owner}

    async def move(self, a: int, b: int) -> None:
        """An account's balance leaves for another pool."""
        owner = self.owners[a % 2]
        if b % 4 == 0 and owner not in self.frozen | self.closed:
            async with unit(self.town) as u:
                await events.move_out(u, owner, f"T{owner}", Pool("430100"), "430100X", "测试")
            self.transit += self._empty(owner)

    async def die(self, a: int, b: int) -> None:
        """An owner dies; the other one inherits, into the account or in cash."""
        owner, heir = self.owners[a % 2], self.owners[1 - a % 2]
        if b % 4 or owner in self.closed or heir in self.dead:
            return
        async with unit(self.town) as u:
            found = await people.load_members(u.connection, self.town.vault, POOL, [owner])
            human = found[owner].identity.id
            await people.record_death(u.connection, human, date(2026, 7, 15), now=u.now)
            into_account = heir not in self.closed
            held = self._empty(owner)
            heirs = [Heir(heir, held, into_account)] if held else []
            await events.inherit(u, self.town.vault, owner, heirs, "测试")
        self.dead.add(owner)
        if into_account:
            self.parts[heir]["2025:carried"] += held
        else:
            self.owed[heir] += held

    def _empty(self, owner: str) -> int:
        held = sum(self.parts[owner].values())
        self.parts[owner] = dict.fromkeys(ORDER, 0)
        self.closed.add(owner)
        return held

    # ------------------------------------------------------------------------------------ books

    async def check(self) -> None:
        """The books are those of the simple book."""
        for owner in self.owners:
            assert await parts_of(self.town, owner) == self.parts[owner]
            assert await balance_of(self.town, owed_account(owner)) == self.owed[owner]
        sent = [await balance_of(self.town, transit_account(f"T{one}")) for one in self.owners]
        assert sum(sent) == self.transit
        assert await self.town.faults() == []

    async def end(self) -> None:
        """Cancel what stands: each refund finds its part, or its owner."""
        while self.bills:
            await self.refund(0, 0)


STEPS = st.tuples(
    st.sampled_from(
        (
            *("credit", "spend", "spend", "share", "share", "share", "refund", "refund"),
            *("link", "link", "withdraw", "freeze", "move", "die"),
        )
    ),
    st.integers(0, 3),
    st.integers(0, 999),
)


@given(st.lists(STEPS, min_size=4, max_size=16))
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_every_fen_of_a_family_s_accounts_is_where_it_should_be(
    town: Town, steps: list[tuple[str, int, int]]
) -> None:
    family = await Family.begun(town)
    for name, a, b in (("link", 0, 0), *steps):
        await getattr(family, name)(a, b)
    await family.check()
    await family.end()
    await family.check()
