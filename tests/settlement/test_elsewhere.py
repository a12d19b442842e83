"""Bills that a relative's account in another pool pays (跨统筹区共济): held, settled, captured."""

import asyncio
import dataclasses
from datetime import date, timedelta
from typing import Any

import pytest

from tests.accounts.builders import balance_of, unit
from tests.settlement.builders import ALWAYS, EMPLOYEE, RESIDENT, Town, laws_of_beijing
from yibao.accounts.events import arrivals
from yibao.accounts.events import service as events
from yibao.accounts.family import service as family
from yibao.accounts.family.elsewhere import service as elsewhere
from yibao.accounts.family.elsewhere.model import Carry, GiveUp, Reserve
from yibao.accounts.family.model import NewLink
from yibao.kernel.areas import Division, Pool
from yibao.kernel.frozen import replace
from yibao.kernel.identifiers import NumberSource
from yibao.kernel.money import fen_from_yuan
from yibao.kernel.refusals import RefusalCode
from yibao.ledger import service as ledger
from yibao.ledger.holds import service as holds
from yibao.ledger.holds.model import HoldState
from yibao.ledger.model import Credit, owed_account
from yibao.ledger.verification.model import Findings
from yibao.ledger.verification.service import examine
from yibao.platform.commands import service as messages
from yibao.platform.commands.model import Command, Done, Outcome, Unit
from yibao.platform.commands.service import Commands
from yibao.policy.law_book import LawBook
from yibao.policy.terms import PersonType
from yibao.registry.family.model import FamilyLink
from yibao.registry.people import service as people
from yibao.registry.people.model import Enrolment, NewMembership, NewPerson
from yibao.settlement.elsewhere.service import PATIENCE, AcrossPools
from yibao.settlement.model import Reverse, SettlementFacts
from yibao.settlement.service import REQUESTS

THERE = Pool("430100")
"""Where the owner's account is."""


class Crash(Exception):  # noqa: N818 - what a kill -9 is to the caller
    """The process ends here."""


@dataclasses.dataclass
class Killed:
    """Commands of a process that ends before or after one step between the pools."""

    commands: Commands
    step: type
    after: bool = True

    async def submit(self, command: Command) -> Outcome:
        """Run a command, unless this is where the process ends."""
        if not isinstance(command.request, self.step):
            return await self.commands.submit(command)
        if self.after:
            await self.commands.submit(command)
        raise Crash


@dataclasses.dataclass
class TwoPools:
    """The town, an owner in another pool, and the owner's child here."""

    town: Town
    commands: Commands
    owner: str
    child: str

    def across(self, commands: Any = None) -> AcrossPools:
        """A server's way to submit."""
        return AcrossPools(commands or self.commands, self.town.database)

    async def link(self, **more: Any) -> FamilyLink:
        """Let the owner pay for the child."""
        new = NewLink(self.owner, self.child, self.town_pool, "child", "测试柜台", **more)
        async with unit(self.town, THERE) as u:
            return await family.let_pay(u, self.town.vault, _Laws(laws_of_beijing()), new)

    @property
    def town_pool(self) -> Pool:
        return Pool(self.child[:6])

    async def bill(self, amount: str, message: str | None = None) -> Command:
        """A charged visit of the child, and the message that settles it."""
        visit = await self.town.open_visit(self.child, scheme=RESIDENT)
        await self.town.charge(visit, amount)
        return self.town.command(self.town.settlement(visit, amount), message=message)

    async def settled(self, amount: str) -> SettlementFacts:
        """A whole visit of the child, settled."""
        outcome = await self.across().submit(await self.bill(amount))
        assert isinstance(outcome, Done), outcome
        bill: SettlementFacts = outcome.result
        return bill

    async def parts(self) -> dict[str, tuple[int, int]]:
        """What the owner's account holds and what of it is held, by part."""
        async with self.town.database.reader(None) as connection:
            found = (await ledger.balances(connection, THERE, [self.owner]))[self.owner]
        return {part.name: (part.amount, part.held) for part in found}

    async def hold_states(self) -> list[HoldState]:
        """How the owner's holds ended."""
        async with self.town.database.reader(None) as connection:
            return [one.state for one in await holds.holds_of(connection, THERE, self.owner)]

    async def used(self, link: FamilyLink) -> int:
        """What counts against the link's year."""
        async with self.town.database.reader(None) as connection:
            used = await family.used(connection, THERE, [link.number], 2026)
        return used.get(link.number, 0)

    async def job(self) -> int:
        """Housekeeping, long enough after whatever happened."""
        self.town.clock.set(self.town.clock.now() + PATIENCE + timedelta(seconds=1))
        return await self.across().finish_all(self.town.clock.now())

    async def faults(self) -> list[str]:
        """What is wrong with the books of both pools, and what is on the way."""
        async with (
            self.town.database.reader(None) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            findings = await examine(connection)
            await elsewhere.examine(connection, findings)
        way = [f"on the way: {one}" for one in findings.on_the_way]
        return [*await self.town.faults(), *map(str, findings.faults), *way]


class _Laws:
    """Beijing's laws everywhere: what the other area's say does not matter here."""

    def __init__(self, book: LawBook) -> None:
        self._book = book

    def law_on(self, _: str, scheme: Any, day: date) -> Any:
        return self._book.law_on(Division("110000"), scheme, day)


@pytest.fixture
async def pools(town: Town) -> TwoPools:
    """An owner with 100 yuan of this year and 50 of earlier ones in the other pool."""
    return await two_pools(town, account="100", carried="50")


async def two_pools(town: Town, *, account: str, carried: str) -> TwoPools:
    document = "990101198001019901"
    period = ALWAYS
    enrolment = Enrolment(EMPLOYEE, Division(THERE), PersonType("1101"), period)
    person = NewPerson(
        "01", document, "测试", "1", date(1980, 1, 1), (NewMembership(THERE, period, (enrolment,)),)
    )
    async with town.database.writer() as connection, connection.transaction():
        (admitted,) = await people.admit(connection, town.vault, [person], now=town.clock.now())
        owner = admitted.memberships[0].number
        u = Unit(THERE, connection, town.clock.now(), town.numbers)
        await ledger.credit(
            u,
            [
                Credit(owner, EMPLOYEE, 2026, "current", fen_from_yuan(account)),
                Credit(owner, EMPLOYEE, 2025, "carried", fen_from_yuan(carried)),
            ],
        )
    return TwoPools(town, _commands(town, 201), owner, await town.insure("1501", RESIDENT))


def _commands(town: Town, number: int) -> Commands:
    handlers = dict.fromkeys(REQUESTS, town.room.handle) | elsewhere.handlers()
    handlers |= arrivals.handlers(town.vault)
    return Commands(town.database.writer, town.clock, NumberSource(number), handlers)


# ------------------------------------------------------------------------------------- the good way


async def test_a_parent_elsewhere_pays_what_the_child_has_to_pay(pools: TwoPools) -> None:
    link = await pools.link()
    bill = await pools.settled("80")
    assert (bill.family, bill.cash, bill.balance) == (8_000, 0, 0)
    assert await pools.parts() == {"2025:carried": (0, 0), "2026:current": (7_000, 0)}
    assert await balance_of(pools.town, f"institution:{bill.institution}:claimed") == 8_000
    assert set(await pools.hold_states()) == {HoldState.CAPTURED}
    assert await pools.used(link) == 8_000
    assert await pools.faults() == []


async def test_what_is_left_of_a_hold_is_released(pools: TwoPools) -> None:
    await pools.link()
    (bill,) = [await pools.settled("30")]
    assert bill.family == 3_000
    assert await pools.parts() == {"2025:carried": (2_000, 0), "2026:current": (10_000, 0)}
    assert await pools.faults() == []


async def test_the_trial_says_what_would_be_held_and_holds_nothing(pools: TwoPools) -> None:
    await pools.link(year_limit=4_000)
    command = await pools.bill("80")
    tried = await pools.town.trial(command.request)
    assert await pools.hold_states() == []
    outcome = await pools.across().submit(command)
    assert isinstance(outcome, Done)
    assert (tried.family, tried.cash) == (4_000, 4_000)
    assert (outcome.result.family, outcome.result.cash) == (4_000, 4_000)


async def test_limits_of_a_bill_and_a_year_hold_and_cancelling_frees_the_year(
    pools: TwoPools,
) -> None:
    link = await pools.link(bill_limit=3_000, year_limit=5_000)
    bills = [await pools.settled("40") for _ in range(3)]
    assert [bill.family for bill in bills] == [3_000, 2_000, 0]
    await pools.across().submit(pools.town.command(pools.town.cancellation(bills[0])))
    assert await pools.used(link) == 2_000
    assert (await pools.settled("40")).family == 3_000


async def test_a_bill_that_leaves_nothing_to_pay_asks_nobody(pools: TwoPools) -> None:
    await pools.link()
    command = await pools.bill("80")
    without = replace(command, request=replace(command.request, use_account=False))
    outcome = await pools.across().submit(without)
    assert isinstance(outcome, Done)
    assert outcome.result.cash == 8_000
    assert await pools.hold_states() == []


async def test_a_link_that_was_withdrawn_pays_no_more(pools: TwoPools) -> None:
    link = await pools.link()
    async with unit(pools.town, THERE) as u:
        await family.withdraw(u, link.number, "测试")
    assert (await pools.settled("80")).family == 0


async def test_a_near_and_a_far_owner_pay_in_their_order(pools: TwoPools) -> None:
    near = await pools.town.insure(account="20")
    far = await pools.link(place=2)
    new = NewLink(near, pools.child, pools.town_pool, "child", "测试柜台", place=1)
    async with unit(pools.town) as u:
        await family.let_pay(u, pools.town.vault, laws_of_beijing(), new)
    bill = await pools.settled("80")
    assert bill.family == 8_000
    assert await pools.town.balance(near) == 0
    assert await pools.used(far) == 6_000
    assert await pools.faults() == []


# ---------------------------------------------------------------------------- repeats and refusals


async def test_a_message_that_comes_twice_at_once_is_held_and_paid_once(pools: TwoPools) -> None:
    await pools.link()
    command = await pools.bill("80")
    others = [pools.across(_commands(pools.town, 202 + i)) for i in range(3)]
    outcomes = await asyncio.gather(
        *(across.submit(command) for across in [pools.across(), *others])
    )
    assert all(isinstance(outcome, Done) for outcome in outcomes), outcomes
    bills = {one.reference["settlement"] for one in outcomes if isinstance(one, Done)}
    assert len(bills) == 1
    assert await pools.parts() == {"2025:carried": (0, 0), "2026:current": (7_000, 0)}
    assert await pools.faults() == []


async def test_bills_at_once_never_take_more_than_there_is(pools: TwoPools) -> None:
    link = await pools.link(year_limit=12_000)
    commands = [await pools.bill("40") for _ in range(5)]
    outcomes = await asyncio.gather(*(pools.across().submit(one) for one in commands))
    paid = [outcome.result.family for outcome in outcomes if isinstance(outcome, Done)]
    assert len(paid) == 5
    assert sum(paid) <= 12_000
    assert await pools.used(link) == sum(paid)
    assert sum(amount for amount, _ in (await pools.parts()).values()) == 15_000 - sum(paid)
    assert await pools.faults() == []


async def test_a_message_that_is_refused_after_holding_releases(pools: TwoPools) -> None:
    await pools.link()
    command = await pools.bill("80", "M" * 30)
    async with unit(pools.town) as u:
        await messages.fence(u, command.key, command.subject, "2601")
    refusal = await pools.across().submit(command)
    assert not isinstance(refusal, Done)
    assert refusal.code is RefusalCode.MESSAGE_REVERSED
    assert await pools.faults() == []


async def test_a_fence_between_holding_and_settling_releases(pools: TwoPools) -> None:
    link = await pools.link()
    command = await pools.bill("80")
    town = pools.town

    class Fencing(Commands):
        async def submit(self, asked: Command) -> Outcome:
            outcome = await pools.commands.submit(asked)
            if isinstance(asked.request, Reserve):
                await pools.commands.submit(town.command(reversal))
            return outcome

    request = command.request
    reversal = Reverse(request.institution, request.member, "2207", command.key.message_id, "")
    across = pools.across(Fencing.__new__(Fencing))
    refusal = await across.submit(command)
    assert not isinstance(refusal, Done)
    assert refusal.code is RefusalCode.MESSAGE_REVERSED
    assert set(await pools.hold_states()) == {HoldState.RELEASED}
    assert await pools.used(link) == 0
    assert await pools.faults() == []


# -------------------------------------------------------------------------------- killed in between


@pytest.mark.parametrize(
    ("step", "after", "settles"),
    [
        (Reserve, False, False),
        (Reserve, True, False),
        (Carry, False, True),
        (Carry, True, True),
    ],
)
async def test_a_kill_at_any_step_is_finished_or_undone_by_the_job(
    pools: TwoPools, step: type, after: bool, settles: bool
) -> None:
    link = await pools.link()
    command = await pools.bill("80")
    try:
        outcome = await pools.across(Killed(pools.commands, step, after)).submit(command)
    except Crash:
        assert step is Reserve
    else:
        assert isinstance(outcome, Done)  # what fails after the bill is settled is done later
    await pools.job()
    expected = 8_000 if settles else 0
    assert await pools.used(link) == expected
    assert sum(amount for amount, _ in (await pools.parts()).values()) == 15_000 - expected
    assert await pools.faults() == []
    # and the hospital asks again
    again = await pools.across().submit(command)
    assert isinstance(again, Done)
    assert again.replayed is settles
    assert await pools.used(link) == 8_000
    assert await pools.faults() == []


async def test_a_kill_after_settling_leaves_a_hold_that_the_job_captures(pools: TwoPools) -> None:
    await pools.link()
    command = await pools.bill("80")
    stopped = Killed(pools.commands, Carry, after=False)
    await pools.across(stopped).submit(command)
    assert set(await pools.hold_states()) == {HoldState.RESERVED}
    assert await pools.faults() != [], "it is said to be on the way"
    assert await pools.job() > 0
    assert set(await pools.hold_states()) == {HoldState.CAPTURED}
    assert await pools.job() == 0, "nothing is done twice"
    assert await pools.faults() == []


async def test_the_job_gives_no_hold_up_that_a_young_message_may_still_use(
    pools: TwoPools,
) -> None:
    await pools.link()
    command = await pools.bill("80")
    with pytest.raises(Crash):
        await pools.across(Killed(pools.commands, Reserve)).submit(command)
    await pools.across().finish_all(pools.town.clock.now())
    assert set(await pools.hold_states()) == {HoldState.RESERVED}
    outcome = await pools.across().submit(command)
    assert isinstance(outcome, Done)
    assert outcome.result.family == 8_000


async def test_a_message_whose_hold_was_given_up_under_it_holds_anew(pools: TwoPools) -> None:
    await pools.link()
    command = await pools.bill("80")

    class GivenUp(Commands):
        done = False

        async def submit(self, asked: Command) -> Outcome:
            outcome = await pools.commands.submit(asked)
            if isinstance(asked.request, Reserve) and not self.done:
                self.done = True
                assert isinstance(outcome, Done)
                await pools.job()
            return outcome

    slow = GivenUp.__new__(GivenUp)
    outcome = await pools.across(slow).submit(command)
    assert isinstance(outcome, Done)
    assert outcome.result.family == 8_000
    assert sorted(await pools.hold_states()) == ["captured", "captured", "released", "released"]
    assert await pools.faults() == []


async def test_giving_up_a_hold_that_a_bill_has_used_changes_nothing(pools: TwoPools) -> None:
    await pools.link()
    command = await pools.bill("80")
    await pools.across(Killed(pools.commands, Carry, after=False)).submit(command)
    async with pools.town.database.reader(None) as connection:
        found = await holds.holds_of(connection, THERE, pools.owner)
    for one in found:
        given_up = GiveUp((one.reservation.id,), THERE, pools.child)
        await pools.commands.submit(elsewhere.giving_up(given_up))
    await pools.job()
    assert set(await pools.hold_states()) == {HoldState.CAPTURED}
    assert await pools.faults() == []


# ------------------------------------------------------------------------------------------ refunds


async def test_a_refund_goes_back_to_the_exact_parts_after_withdrawal(pools: TwoPools) -> None:
    link = await pools.link()
    bill = await pools.settled("80")
    async with unit(pools.town, THERE) as u:
        await family.withdraw(u, link.number, "测试")
    outcome = await pools.across().submit(pools.town.command(pools.town.cancellation(bill)))
    assert isinstance(outcome, Done)
    assert outcome.result.family == -8_000
    assert await pools.parts() == {"2025:carried": (5_000, 0), "2026:current": (10_000, 0)}
    assert await pools.used(link) == 0
    assert await pools.faults() == []


async def test_a_reversal_of_the_settling_message_refunds(pools: TwoPools) -> None:
    await pools.link()
    bill = await pools.settled("80")
    for _ in range(2):
        outcome = await pools.across().submit(pools.town.command(pools.town.reversal(bill)))
        assert isinstance(outcome, Done)
    assert await pools.parts() == {"2025:carried": (5_000, 0), "2026:current": (10_000, 0)}
    assert await pools.faults() == []


async def test_a_refund_that_a_kill_left_is_paid_by_the_job(pools: TwoPools) -> None:
    await pools.link()
    bill = await pools.settled("80")
    cancelling = pools.town.command(pools.town.cancellation(bill))
    await pools.across(Killed(pools.commands, Carry, after=False)).submit(cancelling)
    assert await pools.faults() != []
    await pools.job()
    assert await pools.parts() == {"2025:carried": (5_000, 0), "2026:current": (10_000, 0)}
    assert await pools.faults() == []


async def test_a_refund_to_a_closed_account_is_owed_to_its_owner(pools: TwoPools) -> None:
    await pools.link()
    bill = await pools.settled("150")
    async with unit(pools.town, THERE) as u:
        await events.close(u, pools.owner, "测试")
    await pools.across().submit(pools.town.command(pools.town.cancellation(bill)))
    assert await balance_of(pools.town, owed_account(pools.owner)) == 15_000
    assert await pools.faults() == []


async def test_a_cancellation_that_gave_back_elsewhere_is_not_reversed(pools: TwoPools) -> None:
    await pools.link()
    bill = await pools.settled("80")
    mirror = await pools.across().submit(pools.town.command(pools.town.cancellation(bill)))
    assert isinstance(mirror, Done)
    reversal = pools.town.reversal(mirror.result, "2208")
    refusal = await pools.across().submit(pools.town.command(reversal))
    assert not isinstance(refusal, Done)
    assert refusal.code is RefusalCode.NOT_REVERSIBLE
    assert "款项已退回" in refusal.message
    assert "重新结算（门诊 2207" in refusal.message, "it says what to do"
    assert (await pools.settled("80")).family == 8_000, "it is settled anew instead"
    assert await pools.faults() == []


async def test_a_purchase_is_paid_from_elsewhere_too(pools: TwoPools) -> None:
    child = await pools.town.insure()
    new = NewLink(pools.owner, child, pools.town_pool, "child", "测试柜台")
    async with unit(pools.town, THERE) as u:
        await family.let_pay(u, pools.town.vault, _Laws(laws_of_beijing()), new)
    outcome = await pools.across().submit(pools.town.command(pools.town.purchase(child)))
    assert isinstance(outcome, Done), outcome
    assert outcome.result.family == 3_000
    assert await pools.faults() == []


# ------------------------------------------------------------------------------------------- trials


async def test_trials_of_one_snapshot_do_not_take_from_each_other(town: Town) -> None:
    member = await town.insure(account="50")
    visits = [await town.open_visit(member) for _ in range(2)]
    for visit in visits:
        await town.charge(visit, "40")
    requests = [town.settlement(visit, "40") for visit in visits]
    tried = await asyncio.gather(*(town.trial(one) for one in requests))
    assert [bill.account for bill in tried] == [4_000, 4_000]


# -------------------------------------------------------------------------------------------- moves


async def test_a_move_that_nobody_finished_arrives_by_the_job(town: Town) -> None:
    here, there = await town.insure_twice()
    async with unit(town) as u:
        await ledger.credit(u, [Credit(here, EMPLOYEE, 2026, "current", 7_000)])
    async with unit(town) as u:
        await events.move_out(u, here, "move-1", THERE, there, "测试")
    commands = _commands(town, 220)
    assert await arrivals.finish_all(commands, town.database) == 1
    assert await arrivals.finish_all(commands, town.database) == 0
    async with town.database.reader(None) as connection:
        parts = (await ledger.balances(connection, THERE, [there]))[there]
    findings = await _examined(town)
    assert [(part.name, part.amount) for part in parts] == [("2026:current", 7_000)]
    assert findings.on_the_way == []


async def test_a_move_that_cannot_arrive_waits_and_is_told(town: Town) -> None:
    here, _ = await town.insure_twice()
    async with unit(town) as u:
        await ledger.credit(u, [Credit(here, EMPLOYEE, 2026, "current", 7_000)])
    async with unit(town) as u:
        await events.move_out(u, here, "move-1", THERE, "43010099999999", "测试")
    commands = _commands(town, 221)
    assert await arrivals.finish_all(commands, town.database) == 0
    (way,) = (await _examined(town)).on_the_way
    assert (way.what, way.amount, way.since) == ("transit:move-1", 7_000, date(2026, 7, 15))


async def _examined(town: Town) -> Findings:
    async with (
        town.database.reader(None) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        return await examine(connection)
