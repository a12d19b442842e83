"""Balances on their way to another pool arrive by themselves (转移接续), tried until they do."""

from dataclasses import dataclass

import structlog

from yibao.accounts.events import service
from yibao.accounts.events.model import Transfer
from yibao.kernel.areas import Pool
from yibao.platform.commands.model import Command, Done, Handler, MessageKey, Unit
from yibao.platform.commands.one_by_one import one_by_one
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


@dataclass(frozen=True, slots=True)
class ComeBack:
    """Let a balance that was declined come back to the pool it left; answers a Transfer."""

    sent: Transfer


def arriving(origin: Pool, sent: Transfer) -> Command:
    """The command by which a balance arrives."""
    key = MessageKey(SENDER, "arrive", f"{origin}/{sent.id}")
    return Command(sent.other_pool, sent.other_member, key, b"", Arrive(origin, sent))


def returning(origin: Pool, sent: Transfer) -> Command:
    """The command by which a declined balance comes back."""
    key = MessageKey(SENDER, "return", sent.id)
    return Command(origin, sent.member, key, b"", ComeBack(sent))


def handlers(vault: Vault) -> dict[type, Handler]:
    """Who runs arrivals and returns."""

    async def arrive(unit: Unit, wish: Arrive) -> Done:
        moved = await service.move_in(unit, vault, wish.origin, wish.sent, "转移接续自动转入")
        return Done(moved, {"transfer": moved.id})

    async def come_back(unit: Unit, wish: ComeBack) -> Done:
        moved = await service.move_back(unit, wish.sent, "转移退回自动转入")
        return Done(moved, {"transfer": moved.id})

    return {Arrive: one_by_one(arrive), ComeBack: one_by_one(come_back)}


async def finish_all(commands: Commands, database: Database) -> int:
    """Let everything that is under way arrive or come back; says how much did.

    What is refused (the person is not known there yet, the account is closed) is told in the log
    and tried again the next time; a clerk sees it with ``yibao ledger verify``, and may let it come
    back (``accounts.move_back``).
    """
    async with database.reader(None) as connection:
        under_way = await service.under_way(connection)
        declined = await service.coming_back(connection)
    moves = [(arriving(origin, sent), sent) for origin, sent in under_way]
    moves += [(returning(origin, sent), sent) for origin, sent in declined]
    done = 0
    for command, sent in moves:
        outcome = await commands.submit(command)
        if isinstance(outcome, Done):
            done += 1
        else:
            log.warning("transfer_not_arrived", transfer=sent.id, code=int(outcome.code))
    return done
