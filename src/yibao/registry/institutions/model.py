"""Institutions, their dated terms, and the senders that may speak for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from yibao.kernel.areas import Division, Pool
from yibao.kernel.frozen import Frozen
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.periods import Period
from yibao.policy.terms import Level, Place, Scheme


class InstitutionKind(StrEnum):
    """``fixmedins_type``: 1 hospital or community centre, 2 retail pharmacy."""

    HOSPITAL = "1"
    PHARMACY = "2"


class HeaderFamily(StrEnum):
    """How a sender shows who it is; the first two are the headers."""

    TIF = "x-tif"
    CSB = "csb"
    TOKEN = "oauth2"  # noqa: S105 - a name
    """A bearer token that the sender fetched with its client id and secret."""
    APPLICATION = "app"
    """No headers: the outer message names an application and is signed by it."""
    ENVELOPE = "envelope"
    """No headers: the envelope's own signature, the sender being the institution's code."""
    REST = "rest"
    """An app at the REST interface: its id and secret as a bearer key."""


class KeyKind(StrEnum):
    """What a key is for."""

    SECRET = "secret"  # noqa: S105 - a name
    """A shared secret: of header signatures, of an application, of a client."""
    SM2 = "sm2"
    """The sender's public key, by which we verify."""
    PLATFORM = "sm2-platform"
    """Our own pair, with which answers to this sender are signed."""
    SM4 = "sm4"
    """Encrypts the content of messages."""


class SenderKey(Frozen):
    """One key of a sender, opened."""

    id: str
    kind: KeyKind
    secret: str
    """Shared secret, SM4 key or our private key (hex); "" where only a public key is held."""
    public: str
    valid_from: datetime
    valid_until: datetime | None = None

    def counts(self, now: datetime) -> bool:
        """Whether the key is valid at an instant."""
        return self.valid_from <= now and (self.valid_until is None or now < self.valid_until)


class InstitutionTerm(Frozen):
    """What held of an institution in a period: name, level, place, contract, suspension."""

    period: Period
    name: str
    level: Level
    grade: str
    """Hospital grade (``hosp_lv``): 02 = 3A, 05 = 2A, 08 = 1A, 11 ungraded …"""
    division: Division
    """Where it stands (``mdtrtarea_admvs`` of its calls)."""
    area: Division
    """Catalogue and bureau area: the city or province-level division whose terms apply."""
    contract: str
    """Number of the service agreement (定点协议)."""
    suspended: bool = False


class Institution(Frozen):
    """A designated institution (定点医药机构): letter H or P and 11 digits."""

    code: str
    kind: InstitutionKind
    home_pool: Pool
    terms: tuple[InstitutionTerm, ...]

    def term_on(self, day: date) -> InstitutionTerm | None:
        """What held on ``day``; None before the first or after the last contract."""
        for term in self.terms:
            if term.period.holds(day):
                return term
        return None


@dataclass(frozen=True, slots=True)
class Sender:
    """A system with an access key (a hospital, a chain's office, a vendor's front machine)."""

    id: str
    family: HeaderFamily
    secret: str
    """The newest shared secret; "" for a sender that has none."""
    institutions: tuple[tuple[str, Period], ...]
    """Institution codes it may speak for, each with its period."""
    dialect: str | None = None
    """Name of its dialect; None: that of its institution's division."""
    keys: tuple[SenderKey, ...] = field(default=(), compare=False)
    """All its keys, newest first."""

    def secrets(self, now: datetime) -> tuple[str, ...]:
        """Every shared secret that counts, newest first."""
        if not self.keys:
            return (self.secret,)
        return tuple(
            [key.secret for key in self.keys if key.kind is KeyKind.SECRET and key.counts(now)]
        )

    def keys_of(self, kind: KeyKind, now: datetime) -> tuple[SenderKey, ...]:
        """The keys of one kind that count, newest first."""
        return tuple(key for key in self.keys if key.kind is kind and key.counts(now))

    def may_speak_for(self, institution: str, day: date) -> bool:
        """Whether the sender's key is allowed for the institution on ``day``."""
        return any(code == institution and period.holds(day) for code, period in self.institutions)


# ------------------------------------------------------------------------------------------ places


class PoolDivision(Frozen):
    """Which pool insures the members of a division, by period."""

    division: Division
    pool: Pool
    period: Period
    scheme: Scheme | None = None
    """None: every scheme that has no row of its own."""


class Directory(Frozen):
    """One version of everything the platform knows of institutions, senders, pools and places."""

    version: int
    institutions: Mapping[str, Institution]
    senders: Mapping[tuple[HeaderFamily, str], Sender]
    pools: Mapping[Pool, str]
    """Names of the pools."""
    pool_divisions: Mapping[Division, tuple[PoolDivision, ...]]
    """Rows of a division, those of a single scheme first."""
    divisions: Mapping[Division, str]
    """Names of the divisions (GB/T 2260)."""

    def institution(self, code: str) -> Institution | None:
        """The designated institution with a code."""
        return self.institutions.get(code)

    def sender(self, family: HeaderFamily, identifier: str) -> Sender | None:
        """The sender with an access key of a family."""
        return self.senders.get((family, identifier))

    def pool_of(self, division: Division, scheme: Scheme, day: date) -> Pool | None:
        """The pool that insures members of ``division`` in ``scheme`` on ``day``."""
        for row in self.pool_divisions.get(division, ()):
            if row.scheme in (scheme, None) and row.period.holds(day):
                return row.pool
        return None

    def place_of(
        self, care: Division, pool: Pool, insured: Division, scheme: Scheme, day: date
    ) -> Place:
        """Where care in a division is, seen from the pool that insures a person (就医地).

        A division that no pool is said to insure counts as home when it is the insured one.
        """
        if care == insured or self.pool_of(care, scheme, day) == pool:
            return Place.LOCAL
        return Place.PROVINCE if care[:2] == insured[:2] else Place.OUTSIDE

    def division_name(self, code: Division) -> str | None:
        """The name of a division, None where the national list has none."""
        return self.divisions.get(code)

    def divisions_below(self, code: Division) -> tuple[Division, ...]:
        """A province's or city's division and all below it, by code."""
        prefix = code.removesuffix("00").removesuffix("00")
        return tuple(sorted(below for below in self.divisions if below.startswith(prefix)))


# --------------------------------------------------------------------------------------- sessions


class SignIn(Frozen):
    """An operator signs in (签到, 9001)."""

    institution: str
    operator: str
    ip: str
    mac: str | None = None


class SignOut(Frozen):
    """An operator signs out (签退, 9002)."""

    institution: str
    operator: str
    number: PoolKey


class SessionFacts(Frozen):
    """A sign-in as it stands."""

    key: PoolKey
    """Its text is the ``sign_no``."""
    institution: str
    operator: str
    signed_in_at: datetime
    signed_out_at: datetime | None
