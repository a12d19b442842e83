"""A clerk at a desk: signed in on the database of the settings, with the rooms composed over it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from yibao.bureau import service
from yibao.bureau.clerks.model import DESK, Clerk
from yibao.bureau.clerks.service import sign_in
from yibao.bureau.model import Office, Proposal
from yibao.cli.on_database import on_database
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.refusals import Refusal, Refused
from yibao.platform.access.model import ViewerKind
from yibao.platform.access.sight import known_as
from yibao.platform.clock import Clock, SystemClock
from yibao.platform.commands.model import Command, Done, Unit
from yibao.platform.commands.service import Commands
from yibao.platform.crypto import Vault, load_key
from yibao.platform.database import Database
from yibao.platform.settings import Settings, load_settings
from yibao.policy.load import load_law_book
from yibao.registry.laws.service import keep
from yibao.registry.service import ReferenceCache
from yibao.settlement.service import SettlementRoom

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a clerk works."""

    clerk: Clerk
    office: Office
    database: Database
    commands: Commands
    clock: Clock

    async def done(self, command: Command) -> Done:
        """Submit a command. Raises Refused when it is refused."""
        outcome = await self.commands.submit(command)
        if isinstance(outcome, Refusal):
            raise Refused.of(outcome)
        return outcome

    async def tried(self, key: PoolKey) -> Mapping[str, Any]:
        """What carrying a proposal out would come to."""
        numbers = await self.database.numbers()
        async with self.database.writer() as connection, connection.transaction():
            unit = Unit(key.pool, connection, self.clock.now(), numbers)
            return await service.tried(unit, self.office, key, self.clerk)

    async def proposal(self, key: PoolKey) -> Proposal:
        """A proposal as it stands. Raises Refused when there is none in the clerk's pools."""
        async with self.database.reader(None) as connection:
            return await service.find(connection, self.office.vault, key, self.clerk)

    async def proposals(self, pool: str | None, *, only_open: bool) -> list[Proposal]:
        """The latest proposals that are the clerk's business."""
        wanted = None if pool is None else Pool(pool)
        async with self.database.reader(None) as connection:
            return await service.listed(
                connection, self.office.vault, self.clerk, wanted, only_open=only_open
            )


def at_desk(data: Path | None, code: str, key: str, work: Callable[[Desk], Awaitable[T]]) -> T:
    """What a signed-in clerk's work comes to. Raises Refused, SettingsFault."""
    settings = load_settings({"data": data})

    async def whole(database: Database) -> T:
        desk = await open_desk(settings, database, code, key)
        try:
            return await work(desk)
        finally:
            await desk.commands.drain()

    return on_database(settings, whole)


async def open_desk(settings: Settings, database: Database, code: str, key: str) -> Desk:
    """Sign a clerk in and compose what a clerk works with. Raises Refused."""
    clock = clock_of(settings)
    vault = Vault(load_key(settings))
    # by the machine's time: a sandbox whose clock stands still would lock a clerk out for good
    clerk = (await sign_in(database, vault, code, key, DESK, SystemClock().now())).clerk
    known_as(ViewerKind.CLERK, clerk.code)
    law_book = load_law_book(settings.law)
    async with database.writer() as connection:
        await keep(connection, list(law_book.laws.values()), now=clock.now())
    references = ReferenceCache(vault, law_book)
    office = Office(references, vault, SettlementRoom(references, vault))
    commands = Commands(database.writer, clock, await database.numbers(), service.handlers(office))
    return Desk(clerk, office, database, commands, clock)


def clock_of(settings: Settings) -> Clock:
    """The machine's clock; that of the sandbox where the folder is one's."""
    from yibao.sandbox.clock import SharedClock
    from yibao.sandbox.store.shared import SHARED_FILE, SharedFile

    shared = settings.data / SHARED_FILE
    return SharedClock(SharedFile(shared), SystemClock()) if shared.exists() else SystemClock()
