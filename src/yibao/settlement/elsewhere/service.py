"""Carry a bill through two pools (跨统筹区共济): hold there, settle here, capture or release there.

Each step is a command of one pool with a key of its own, so that all may be repeated. What a crash
leaves between two steps is finished by ``finish_all``: an order that stands is carried out, a hold
without one is given up first. A bill that nobody elsewhere may pay passes through unseen.
"""

from datetime import datetime, timedelta
from typing import Any

import structlog

from yibao.accounts.family.elsewhere import service as owners
from yibao.accounts.family.elsewhere.model import GiveUp, HeldPurse, Order, Reserve
from yibao.kernel.frozen import replace
from yibao.kernel.refusals import Refusal, RefusalCode
from yibao.ledger.model import transit_account
from yibao.platform.commands.model import Command, Done, Outcome
from yibao.platform.commands.service import Commands
from yibao.platform.database import Database
from yibao.registry.family import service as links
from yibao.registry.family.model import FamilyLink
from yibao.settlement.model import Purchase, Reverse, Settle, SettlementFacts

TURNS = 5
"""How often one message asks again after its holds were given up under it."""

PATIENCE = timedelta(minutes=5)
"""How old a hold without a bill is before it is given up; a message under way is far younger."""

log = structlog.get_logger()

_TRANSIT = transit_account("")


class AcrossPools:
    """Submits commands as ``Commands`` does, and sees to the accounts in other pools."""

    def __init__(self, commands: Commands, database: Database) -> None:
        self._commands = commands
        self._database = database

    async def submit(self, command: Command) -> Outcome:
        """Run a command once, ever. Raises OutcomeUnknown as ``Commands.submit`` does."""
        outcome = await self._commands.submit(command)
        if isinstance(outcome, Refusal):
            if outcome.code is RefusalCode.HOLD_NEEDED:
                return await self._settle(command, outcome)
        elif isinstance(command.request, Reverse) or _moved(outcome.result):
            await self._finish(command)
        return outcome

    # ----------------------------------------------------------------------------------- one bill

    async def _settle(self, command: Command, asked: Refusal) -> Outcome:
        outcome: Outcome = asked
        for turn in range(1, TURNS + 1):
            held = await self._reserve(command, asked, turn)
            request: Settle | Purchase = command.request
            outcome = await self._commands.submit(
                replace(command, request=replace(request, held=held))
            )
            if isinstance(outcome, Done):
                await self._finish(command)
                return outcome
            await self._give_up(command, held)
            if outcome.code is not RefusalCode.HOLD_NEEDED:
                return outcome
            asked = outcome
        return Refusal(RefusalCode.FAILED, "系统处理失败，本次请求未生效，请用原报文编号重发")

    async def _reserve(self, command: Command, asked: Refusal, turn: int) -> tuple[HeldPurse, ...]:
        """What the owners' accounts hold for a message; those that cannot be asked hold nothing."""
        need, origins = int(asked.facts["need"]), tuple(asked.facts["origins"].split())
        wanted = await self._links([int(number) for number in asked.facts["links"].split()])
        held = []
        for link in wanted:
            id_ = owners.reservation(command.pool, command.key, link.number, turn)
            reserve = Reserve(id_, link.number, need, origins)
            outcome = await self._commands.submit(owners.reserving(reserve, link))
            if isinstance(outcome, Done):
                held.append(outcome.result or owners.purse_of(link, outcome.reference))
        return tuple(held)

    async def _links(self, numbers: list[int]) -> list[FamilyLink]:
        async with self._database.reader(None) as connection:
            found = [await links.find(connection, number) for number in numbers]
        return [link for link in found if link is not None]

    async def _give_up(self, command: Command, held: tuple[HeldPurse, ...]) -> None:
        """Release what a refused bill does not use; what cannot be done now is done later."""
        try:
            for purse in held:
                if holds := tuple(part.hold for part in purse.parts):
                    given_up = GiveUp(holds, purse.pool, command.subject)
                    await self._commands.submit(owners.giving_up(given_up))
        except Exception as fault:  # noqa: BLE001 - the bill's own answer must not be lost
            log.warning("hold_not_given_up", error=repr(fault))
        await self._finish(command)

    async def _finish(self, command: Command) -> None:
        """Carry out what is decided of a patient's holds; what fails is done later."""
        try:
            async with self._database.reader(None) as connection:
                orders = await owners.undone(connection, command.pool, command.subject)
            await self._carry_out(orders)
        except Exception as fault:  # noqa: BLE001 - the bill is settled whatever becomes of this
            log.warning("hold_not_finished", error=repr(fault))

    async def _carry_out(self, orders: list[Order]) -> int:
        done = 0
        for order in orders:
            outcome = await self._commands.submit(owners.carrying(order))
            if isinstance(outcome, Done):
                done += 1
            else:
                log.warning("order_not_carried_out", hold=order.hold, code=int(outcome.code))
        return done

    # --------------------------------------------------------------------------- what was left over

    async def finish_all(self, now: datetime) -> int:
        """Give up holds that no bill came for, and carry out every order; says how many."""
        async with self._database.reader(None) as connection:
            forgotten = await owners.forgotten(connection, now - PATIENCE)
        for owner_pool, hold in forgotten:
            await self._commands.submit(owners.giving_up(GiveUp((hold,), owner_pool, "")))
        async with self._database.reader(None) as connection:
            orders = await owners.undone(connection, None, None)
        return await self._carry_out(orders)


def _moved(result: Any) -> bool:
    """Whether a bill that was cancelled had been paid by an account elsewhere."""
    if not isinstance(result, SettlementFacts):
        return False
    for _, _, _, parts in result.snapshot.get("family", ()):
        if any(key.startswith(_TRANSIT) for key, _, _ in parts):
            return True
    return False
