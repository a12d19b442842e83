"""The open door (开放接入): a sandbox that lets in whoever knocks: any system connects unchanged.

A sender with a wrong key or none is admitted; what was wrong is still traced. An unknown
institution is designated on first sight, near where its code or message says it stands.
"""

import dataclasses
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

from yibao.gateway.authentication import Door, Headers, Senders
from yibao.gateway.envelope import Envelope
from yibao.gateway.exchange import SignatureTrace
from yibao.kernel.areas import NO_PERSON_POOL, Division, Pool
from yibao.kernel.periods import Period, business_date
from yibao.kernel.refusals import Refused
from yibao.platform.clock import Clock
from yibao.platform.database import Database
from yibao.policy.model import Fact
from yibao.policy.terms import EMPLOYEE, Level, Scheme
from yibao.registry.institutions import service as bureau
from yibao.registry.institutions.model import (
    HeaderFamily,
    Institution,
    InstitutionKind,
    InstitutionTerm,
    PoolDivision,
    Sender,
)
from yibao.registry.people.model import Trait
from yibao.registry.service import Reference, ReferenceCache
from yibao.sandbox.places import BEIJING

if TYPE_CHECKING:
    from asyncpg import Connection

GUEST_WORK = 1
"""What ``Database.alone`` keeps apart: letting somebody in."""
SINCE = date(2020, 1, 1)
DEFAULT = BEIJING
"""The pool of divisions that have no law here."""


# ---------------------------------------------------------------------------------------- senders


@dataclasses.dataclass(frozen=True, slots=True)
class Guest(Sender):
    """A sender that may speak for anybody."""

    def may_speak_for(self, institution: str, day: date) -> bool:  # noqa: ARG002 - anybody, any day
        """Whoever came in through the open door may."""
        return True


class OpenDoor:
    """Admits everybody; known senders as themselves."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def admit(
        self, headers: Headers, senders: Senders, body: bytes, traces: list[SignatureTrace]
    ) -> Sender:
        """The sender, known or not; ``traces`` tell what the closed door would have seen."""
        try:
            return _as_guest(self._door.admit(headers, senders, body, traces))
        except Refused as refused:
            if not traces:
                note = refused.refusal.message
                traces.append(SignatureTrace("none", _named(headers), verified=False, note=note))
            return Guest(_named(headers) or "guest", HeaderFamily.TIF, "", ())


def _as_guest(sender: Sender) -> Guest:
    fields = {field.name: getattr(sender, field.name) for field in dataclasses.fields(sender)}
    return Guest(**fields)


def _named(headers: Headers) -> str:
    """Whom the headers name as the sender."""
    for name in ("x-tif-paasid", "_api_access_key"):
        if headers.get(name):
            return headers[name]
    return ""


# ----------------------------------------------------------------------------------------- places


@dataclasses.dataclass(frozen=True, slots=True)
class Home:
    """Where a guest belongs: a pool, and the division whose law and catalogue apply."""

    pool: Pool
    area: Division
    insured: Division
    """The division a person is insured in: the one asked for, if a law is at hand for it."""


class Places:
    """Finds the pool of any division; founds it where there is a law and no pool yet."""

    def __init__(self, database: Database, references: ReferenceCache, clock: Clock) -> None:
        self._database = database
        self._references = references
        self._clock = clock

    async def reference(self) -> Reference:
        """Directory and laws as last committed."""
        async with self._database.reader(None) as connection:
            return await self.reference_in(connection)

    async def reference_in(self, connection: "Connection[Any]") -> Reference:
        """The same, as a transaction sees it."""
        return await self._references.current(connection)

    async def home_of(self, division: str) -> Home:
        """The home of a division, settled in the directory so that later calls find it too."""
        reference = await self.reference()
        found = self._home_in(reference, division)
        if found is None:
            await self._settle(division)
            found = self._home_in(await self.reference(), division)
        assert found is not None, f"division {division} was mapped just now"
        return found

    def _home_in(self, reference: Reference, division: str) -> Home | None:
        day = business_date(self._clock.now())
        pool = reference.directory.pool_of(Division(division), EMPLOYEE, day)
        if pool is None:
            return None
        area = _area_with_law(reference, division)
        if area is None:
            return Home(pool, Division(pool), Division(pool))
        return Home(pool, area, Division(division))

    async def _settle(self, division: str) -> None:
        now = self._clock.now()
        async with self._database.alone(GUEST_WORK) as connection:
            reference = await self._references.current(connection)
            if self._home_in(reference, division) is not None:
                return
            area = _area_with_law(reference, division)
            pool = DEFAULT.pool if area is None else Pool(area)
            known = reference.directory.pool_of(Division(pool), EMPLOYEE, business_date(now))
            pool = known or pool
            wanted = [PoolDivision(Division(division), pool, Period(SINCE))]
            if pool in reference.directory.pools:
                await bureau.assign_divisions(connection, wanted, now=now)
                return
            if division != pool:
                wanted.append(PoolDivision(Division(pool), pool, Period(SINCE)))
            name = reference.directory.division_name(Division(pool)) or pool
            await bureau.found_pool(connection, pool, name, wanted, now=now)


def _area_with_law(reference: Reference, division: str) -> Division | None:
    """The nearest area with a law for employees: the division, its city, its province."""
    for area in _areas(division):
        if reference.laws.knows(area, EMPLOYEE):
            return area
    return None


def _areas(division: str) -> Iterator[Division]:
    yield Division(division)
    yield Division(f"{division[:4]}00")
    yield Division(f"{division[:2]}0000")


def traits_needed(
    reference: Reference, division: Division, scheme: Scheme, period: Period
) -> tuple[Trait, ...]:
    """The words without which a law cannot decide a person's bills: the last of each kind.

    Shenzhen's law asks for the tier of a premium; no source has all ratios of its first one.
    """
    try:
        law = reference.laws.law_on(division, scheme, period.start)
    except Refused:
        return ()
    return tuple(
        Trait(classes.rules[-1].words[0], period)
        for classes in law.classes.values()
        if classes.fact is Fact.TRAIT and classes.otherwise is None
    )


def is_division(text: str) -> bool:
    """Whether a text has the form of a division."""
    return len(text) == 6 and text.isascii() and text.isdigit() and text != NO_PERSON_POOL


# ----------------------------------------------------------------------------------- institutions

_CODE_CHARACTERS = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-")


class InstitutionWelcome:
    """Designates unknown institutions on first sight."""

    def __init__(self, database: Database, places: Places, clock: Clock) -> None:
        self._database = database
        self._places = places
        self._clock = clock

    async def welcome(self, envelope: Envelope) -> None:
        """Make the envelope's institution known; a code of impossible form stays unknown."""
        code = envelope.institution
        if not code or len(code) > 30 or not set(code) <= _CODE_CHARACTERS:
            return
        division = _division_of(code, envelope)
        home = await self._places.home_of(division)
        async with self._database.alone(GUEST_WORK) as connection:
            now = self._clock.now()
            reference = await self._places.reference_in(connection)
            if reference.directory.institution(code) is None:
                await bureau.designate(
                    connection, [_guest_institution(code, division, home)], now=now
                )


def _division_of(code: str, envelope: Envelope) -> str:
    """Where an institution stands: as its message says, as its code says, or nowhere we know."""
    for text in (envelope.care_division, code[1:7]):
        if is_division(text):
            return text
    return DEFAULT.area


def _guest_institution(code: str, division: str, home: Home) -> Institution:
    pharmacy = code[0] in "Pp"
    return Institution(
        code,
        InstitutionKind.PHARMACY if pharmacy else InstitutionKind.HOSPITAL,
        home.pool,
        (
            InstitutionTerm(
                period=Period(SINCE),
                name=f"访客机构{code}",
                level=Level.GRASS_ROOTS if pharmacy else Level.THIRD,
                grade="11" if pharmacy else "02",
                division=Division(division),
                area=home.area,
                contract=f"GUEST-{code}",
            ),
        ),
    )
