"""Balances on their way to another pool arrive by themselves (转移接续), tried until they do."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from yibao.accounts.events import service
from yibao.accounts.events.model import Transfer
from yibao.kernel.areas import Pool
from yibao.kernel.refusals import Refused
from yibao.platform.commands.model import Command, Done, Handler, MessageKey, Outcome, Unit
from yibao.platform.commands.service import Commands
from yibao.platform.crypto import Vault
from yibao.platform.database import Database

SENDER = "accounts"
"""Stands where a message's institution does."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Arrive:
    """Let a balance that left a pool arrive in the one it was sent to; answers a Transfer."""

    origin: Pool
    sent: Transfer


def arriving(origin: Pool, sent: Transfer) -> Command:
    """The command by which a balance arrives."""
    key = MessageKey(SENDER, "arrive", f"{origin}/{sent.id}")
    return Command(sent.other_pool, sent.other_member, key, b"", Arrive(origin, sent))


def handlers(vault: Vault) -> dict[type, Handler]:
    """Who runs arrivals."""

    async def handle(unit: Unit, commands: Sequence[Command]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for command in commands:
            wish: Arrive = command.request
            try:
                async with unit.connection.transaction():  # a refusal undoes what came before it
                    arrived = await service.move_in(
                        unit, vault, wish.origin, wish.sent, "转移接续自动转入"
                    )
                outcomes.append(Done(arrived, {"transfer": arrived.id}))
            except Refused as refused:
                outcomes.append(refused.refusal)
        return outcomes

    return {Arrive: handle}


async def finish_all(commands: Commands, database: Database) -> int:
    """Let everything that is under way arrive; says how much did.

    What is refused (the person is not known there yet, the account is closed) is told in the log
    and tried again the next time; a clerk sees it with ``yibao ledger verify``.
    """
    async with database.reader(None) as connection:
        under_way = await service.under_way(connection)
    done = 0
    for origin, sent in under_way:
        outcome = await commands.submit(arriving(origin, sent))
        if isinstance(outcome, Done):
            done += 1
        else:
            log.warning("transfer_not_arrived", transfer=sent.id, code=int(outcome.code))
    return done
