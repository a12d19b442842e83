"""What a sandbox hands to the application: journal, clock, faults, open door, tools, console."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yibao.gateway.authentication import Door
from yibao.gateway.context import Context
from yibao.gateway.exchange import Exchange
from yibao.platform.clock import Clock
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.platform.journal import Journal, JournalReader
from yibao.platform.settings import Settings
from yibao.policy.law_book import LawBook
from yibao.registry.service import ReferenceCache
from yibao.sandbox.accounts import accounts
from yibao.sandbox.clock import SharedClock
from yibao.sandbox.faults import InjectedFaults, cut_connection
from yibao.sandbox.guests import OpenWelcome
from yibao.sandbox.open_door import OpenDoor, Places
from yibao.sandbox.people import PersonMaker
from yibao.sandbox.store.seed import NoSeed, put_back
from yibao.sandbox.store.shared import SHARED_FILE, SharedFile
from yibao.web.model import Answerer, Desk, ToolRefused
from yibao.web.recording import describe, weigh

if TYPE_CHECKING:
    from litestar import Litestar

JOURNAL_FILE = "journal.sqlite"
SEED_FOLDER = "seed"


class Playground:
    """One process's share of a sandbox."""

    def __init__(self, settings: Settings, machine: Clock) -> None:
        """``machine`` is the clock that counts while no other time is set."""
        self._settings = settings
        self._shared = SharedFile(settings.data / SHARED_FILE)
        self._journal: Journal[Exchange] = Journal(
            settings.data / JOURNAL_FILE, describe, weigh=weigh
        )
        self.machine = machine
        self.clock = SharedClock(self._shared, machine)
        self.faults = InjectedFaults(self._shared)
        self.record = self._journal.note

    def door(self, door: Door) -> Door:
        """The door that senders come in by."""
        return OpenDoor(door) if self._settings.open_door else door

    def welcome(
        self, database: Database, references: ReferenceCache, vault: Vault
    ) -> OpenWelcome | None:
        """Who lets strangers in; None while the door is closed."""
        if not self._settings.open_door:
            return None
        places = Places(database, references, self.clock)
        return OpenWelcome(database, places, vault, self.clock)

    def console(self, context: Context, answer: Answerer, law_book: LawBook) -> "Litestar":
        """The developer's console. It is heavy to import, so it is made when somebody looks."""
        from yibao.web.console import console

        return console(
            Desk(
                context=context,
                answer=answer,
                journal=JournalReader(self._settings.data / JOURNAL_FILE),
                tools=SandboxTools(self._settings, self.clock, self.faults, context, law_book),
                token=context.vault.fingerprint("console", "form").hex(),
                open_door=self._settings.open_door,
            )
        )

    def cut(self, scope: Mapping[str, Any]) -> bool:
        """Close the connection of an ASGI request without an answer; False when that fails."""
        return cut_connection(scope.get("client"))

    def close(self) -> None:
        """Write what waits, let the files go."""
        self._journal.close()
        self._shared.close()


FIRST_YEAR, LAST_YEAR = 2000, 2099


class SandboxTools:
    """What a sandbox can do for its developers (``web.model.Tools``)."""

    def __init__(
        self,
        settings: Settings,
        clock: SharedClock,
        faults: InjectedFaults,
        context: Context,
        law_book: LawBook,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._faults = faults
        database, vault = context.database, context.vault
        places = Places(database, context.references, clock)
        self._database = database
        maker = PersonMaker(database, vault, places, clock)
        self.create_person = maker.make
        self.show_vouchers = maker.show_vouchers
        self._accounts = partial(accounts, database, vault, law_book)
        # the rest of the tools is what these parts do anyway
        self.now = clock.now
        self.is_set = clock.is_set
        self.inject = faults.inject
        self.faults = faults.waiting
        self.clear_faults = faults.clear

    async def accounts(self) -> Mapping[str, Any]:
        """Institutions with keys, persons and items, in the interface's names."""
        base_url = f"http://{self._settings.host}:{self._settings.port}"
        return await self._accounts(base_url=base_url, now=self._clock.now())

    def set_clock(self, instant: datetime | None, *, running: bool = True) -> None:
        """Set the clock; None gives it the machine's time back. Raises ToolRefused."""
        if instant is not None and not FIRST_YEAR <= instant.year <= LAST_YEAR:
            # a clock that runs out of the calendar would stop every process, this tool too
            raise ToolRefused(
                f"the clock can stand in {FIRST_YEAR}..{LAST_YEAR}",
                f"时钟应在{FIRST_YEAR}至{LAST_YEAR}年之间",
            )
        self._clock.set(instant, running=running)

    async def reset(self) -> None:
        """Put the world back to what it was when it was filled. Raises ToolRefused."""
        try:
            await put_back(self._database, seed_folder(self._settings))
        except NoSeed as missing:
            raise ToolRefused(str(missing)) from None
        self._faults.clear()
        self._clock.set(None)


def seed_folder(settings: Settings) -> Path:
    """Where a sandbox's seeded state is kept."""
    return settings.data / SEED_FOLDER
