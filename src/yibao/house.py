"""The rooms, open and composed over one database: what a worker process of the server holds."""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yibao.accounts.events import arrivals
from yibao.accounts.family import wishes as family
from yibao.accounts.family.elsewhere import service as elsewhere
from yibao.accounts.vitals import service as accounts_vitals
from yibao.bureau import service as bureau
from yibao.bureau.clerks import service as clerks
from yibao.bureau.model import Office
from yibao.clearing.vitals import service as clearing_vitals
from yibao.gateway.asgi import Gateway
from yibao.gateway.authentication import Door, SignedDoor
from yibao.gateway.context import Context
from yibao.gateway.dialects.load import dialects
from yibao.gateway.nonces import NONCES_FILE, Nonces
from yibao.gateway.tokens import Tokens
from yibao.gateway.turnstile import Turnstile
from yibao.inventory import service as inventory
from yibao.inventory.bills import Bills
from yibao.ledger.heads import service as heads
from yibao.ledger.holds import service as holds
from yibao.ledger.vitals import service as ledger_vitals
from yibao.payments import service as payments
from yibao.platform import metrics, migrations, vitals
from yibao.platform.access import service as access_service
from yibao.platform.access.lockout import LOCKOUTS_FILE, Lockout
from yibao.platform.access.record import AccessRecord
from yibao.platform.admission.service import Admission
from yibao.platform.archive import jobs as archiving
from yibao.platform.archive import missing
from yibao.platform.clock import Clock
from yibao.platform.commands.model import Handler
from yibao.platform.commands.service import Commands
from yibao.platform.commands.shared_reads import SharedReads
from yibao.platform.crypto import Vault, load_key
from yibao.platform.database import Database
from yibao.platform.files import service as files
from yibao.platform.jobs import ARCHIVING, Errand, Housekeeping, Job
from yibao.platform.months import service as months
from yibao.platform.settings import Settings
from yibao.policy.law_book import LawBook
from yibao.policy.load import load_law_book
from yibao.prescriptions import service as prescriptions
from yibao.registry.credentials import service as credentials
from yibao.registry.departments import service as departments
from yibao.registry.filings import service as filings
from yibao.registry.institutions.model import SignIn, SignOut
from yibao.registry.institutions.service import handle_sessions
from yibao.registry.laws.service import keep
from yibao.registry.mappings import service as mappings
from yibao.registry.representatives import wishes as representatives
from yibao.registry.service import ReferenceCache
from yibao.settlement.archiving.service import archive_of_bills
from yibao.settlement.clearing import service as clearing
from yibao.settlement.elsewhere.service import AcrossPools
from yibao.settlement.reconciliation import service as reconciliation
from yibao.settlement.service import REQUESTS, SettlementRoom
from yibao.supervision import service as supervision
from yibao.uploads import service as uploads

if TYPE_CHECKING:
    from yibao.sandbox.playground import Playground

JOBS: dict[str, Job] = {
    "files": files.remove_expired,
    "credentials": credentials.remove_expired,
    "holds": holds.expire,
}
"""What is removed once it has expired; the names are the log's."""

VITALS: dict[str, vitals.Vital] = {
    **ledger_vitals.VITALS,
    **accounts_vitals.VITALS,
    **clearing_vitals.VITALS,
    "yibao_clerks_locked_out": clerks.locked_out,
    "yibao_months_missing": months.missing,
}
"""What rooms measure for /metrics when it is asked for; the names are the metrics'."""


@dataclass(frozen=True, slots=True)
class House:
    """The rooms, open and composed."""

    database: Database
    commands: Commands
    gateway: Gateway
    law_book: LawBook
    playground: "Playground | None"
    housekeeping: Housekeeping
    archiving: Housekeeping
    office: Office
    access: AccessRecord

    async def close(self) -> None:
        """Finish what is under way, then let go of the database."""
        await self.housekeeping.stop()
        await self.archiving.stop()
        await self.commands.drain()
        await self.access.drain()
        missing.use(None)
        await self.database.close()
        if self.playground is not None:
            self.playground.close()


class NotReady(Exception):  # noqa: N818 - a state, and it passes
    """Something that the server needs is not there yet; the text says what and what to do."""


@lru_cache(maxsize=1)
def loaded_law_book(folder: Path | None) -> LawBook:
    """The law that this process and those forked from it go by. Raises LawError."""
    return load_law_book(folder)


async def open_house(settings: Settings, clock: Clock) -> House:
    """Compose the rooms over a migrated and, in a sandbox, filled database. Raises NotReady."""
    dsn = settings.database_url
    if dsn is None:
        raise NotReady("no database: start with `yibao serve`, or set DATABASE_URL")
    await check_migrated(dsn)
    vault = Vault(load_key(settings))
    law_book = loaded_law_book(settings.law)
    dialects()  # a file that cannot be used is told now, not to a hospital
    tokens = Tokens(vault)
    tolerance = timedelta(seconds=settings.clock_skew)
    nonces = Nonces(settings.data / NONCES_FILE)
    door: Door = SignedDoor(clock, tolerance, nonces, tokens)
    line_clock = clock
    hooks: dict[str, Any] = {}
    playground = None
    database = await Database.open(dsn, settings.writers, settings.readers)
    try:
        references = ReferenceCache(vault, law_book)
        async with database.reader(None) as connection:
            reference = await references.current(connection)
        if settings.sandbox and not reference.catalogue.items:
            raise NotReady("the sandbox is not filled yet: `yibao serve --sandbox` fills it")
        playground = _playground(settings, clock)
        if playground is not None:
            clock = playground.clock  # but the door goes by the machine's time, as its callers do
            door = playground.door(door)
            hooks = {
                "record": playground.record,
                "faults": playground.faults,
                "welcome": playground.welcome(database, references, vault),
                "lockout": Lockout(free=None),  # here people find out how signing goes
            }
        else:
            hooks = {"lockout": Lockout(path=settings.data / LOCKOUTS_FILE)}
        room = SettlementRoom(references, vault)
        bills = Bills(room.handle, room.try_settlements, references)
        office = Office(references, vault, room)
        async with database.writer() as connection:
            await keep(connection, list(law_book.laws.values()), now=clock.now())
        commands = Commands(
            database.writer,
            clock,
            await database.numbers(),
            dict.fromkeys(REQUESTS, bills.handle)
            | handlers_beside_settlement(references, vault)
            | bureau.handlers(office),
            metrics.observe_batch,
        )
        across_pools = AcrossPools(commands, database)
        numbers = await database.numbers()
        # by the machine's time: who looked when is no matter of a sandbox's business days
        access = AccessRecord(database.writer, numbers.writer, vault, line_clock.now)
        context = Context(
            clock=clock,
            database=database,
            commands=across_pools,
            trials=SharedReads(database.writer, clock, bills.try_settlements),
            room=room,
            references=references,
            vault=vault,
            door=door,
            line_clock=line_clock,
            clock_tolerance=tolerance,
            tokens=tokens,
            body_limit=settings.body_limit,
            observe=metrics.observe_call,
            turnstile=_turnstile(settings),
            access=access,
            **hooks,
        )
        jobs = JOBS | {
            "access": access_service.removal(vault, settings.access_days),
            "heads": heads.job(vault),
        }
        errands: dict[str, Errand] = {
            "across_pools": across_pools.finish_all,
            "transfers": lambda _: arrivals.finish_all(commands, database),
            "months": lambda now: months.ensure_in(database, now),
        }
        housekeeping = Housekeeping(database, clock, jobs, errands=errands)
        housekeeping.start()
        archive = archive_of_bills(settings, vault, database)
        put_away: dict[str, Errand] = {
            "archive": archiving.put_away(archive, settings),
            "recalled": archiving.send_away(archive),
        }
        archivist = Housekeeping(database, clock, {}, errands=put_away, work=ARCHIVING)
        archivist.start()
        missing.use(archive.recalls(clock.now))
        gateway = Gateway(context)
        return House(
            database,
            commands,
            gateway,
            law_book,
            playground,
            housekeeping,
            archivist,
            office,
            access,
        )
    except BaseException:
        missing.use(None)
        if playground is not None:
            playground.close()
        await database.close()
        raise


def handlers_beside_settlement(references: ReferenceCache, vault: Vault) -> dict[type, Handler]:
    """Who runs each kind of command beside the settlement room's own."""
    handlers: dict[type, Handler] = {SignIn: handle_sessions, SignOut: handle_sessions}
    for of_registry in (credentials, departments, filings, mappings, files):
        handlers |= of_registry.handlers(vault)
    for room in (clearing, reconciliation, uploads, supervision, inventory, prescriptions):
        handlers |= room.handlers(references, vault)
    handlers |= family.handlers(references, vault)
    handlers |= elsewhere.handlers()
    handlers |= arrivals.handlers(vault)
    handlers |= representatives.handlers()
    return handlers | dict(payments.handlers(references, vault))


def _turnstile(settings: Settings) -> Turnstile:
    admission = Admission(
        wait=settings.wanted_wait / 1000,
        sender_rate=settings.sender_rate,
        unproved_rate=settings.guesses,
        observe=metrics.observe_room,
    )
    return Turnstile(admission, settings.proxies, metrics.observe_turned_away)


def _playground(settings: Settings, clock: Clock) -> "Playground | None":
    """What a sandbox has beside the product; a plain platform does not even import it."""
    if not settings.sandbox:
        return None
    from yibao.sandbox.playground import Playground

    return Playground(settings, clock)


async def check_migrated(dsn: str) -> None:
    """Raises NotReady when the database is not at this program's revision."""
    revision = await migrations.current(dsn)
    if revision != migrations.head():
        raise NotReady(migrations.difference(revision))
