"""An insured person as the other rooms see one (frozen, read whole for a day's decision)."""

from dataclasses import dataclass
from datetime import date

from yibao.kernel.areas import Division, Pool
from yibao.kernel.periods import Period
from yibao.policy.terms import EntitlementExtent, IdentityKind, PersonType, Scheme


@dataclass(frozen=True, slots=True)
class Identity:
    """One human, above the pools (自然人)."""

    id: int
    document_type: str
    """``psn_cert_type``: 01 resident identity card, …"""
    document_number: str
    name: str
    gender: str
    """GB/T 2261.1: 1 male, 2 female."""
    birth_date: date
    ethnicity: str
    """GB/T 3304: 01 Han, …"""
    died_on: date | None = None


@dataclass(frozen=True, slots=True)
class Membership:
    """An identity's number in a pool for a period (人员编号, ``psn_no``)."""

    pool: Pool
    number: str
    """Begins with the pool."""
    identity: int
    period: Period


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A scheme the member is enrolled in (参保), by period."""

    scheme: Scheme
    division: Division
    """Insured division (参保地, ``insuplc_admdvs``), a county may lie in a city's pool."""
    person_type: PersonType
    period: Period
    employer: str | None = None
    civil_servant: bool = False


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What the member may use of a scheme in a period (待遇), derived from law and payments."""

    scheme: Scheme
    extent: EntitlementExtent
    period: Period
    reason: str


@dataclass(frozen=True, slots=True)
class SpecialIdentity:
    """A special identity of the human (特殊身份): minimum-living allowance, disabled …"""

    kind: IdentityKind
    level: str | None
    period: Period
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Insured:
    """A member with everything that is known of them now."""

    identity: Identity
    membership: Membership
    enrolments: tuple[Enrolment, ...]
    entitlements: tuple[Entitlement, ...]
    special_identities: tuple[SpecialIdentity, ...]

    def enrolment_on(self, scheme: Scheme, day: date) -> Enrolment | None:
        """The enrolment in ``scheme`` that holds on ``day``."""
        for enrolment in self.enrolments:
            if enrolment.scheme == scheme and enrolment.period.holds(day):
                return enrolment
        return None

    def entitlement_on(self, scheme: Scheme, day: date) -> EntitlementExtent:
        """The extent of entitlement on ``day``; none where no row says otherwise."""
        for entitlement in self.entitlements:
            if entitlement.scheme == scheme and entitlement.period.holds(day):
                return entitlement.extent
        return EntitlementExtent.NONE

    def identities_on(self, day: date) -> tuple[IdentityKind, ...]:
        """The special identities that hold on ``day``, in code order."""
        return tuple(sorted(s.kind for s in self.special_identities if s.period.holds(day)))


# ---------------------------------------------------------------------------------------- admission


@dataclass(frozen=True, slots=True)
class NewMembership:
    """A membership to be admitted, with its enrolments."""

    pool: Pool
    period: Period
    enrolments: tuple[Enrolment, ...]
    number: str | None = None
    """A number of the old system; made by us when None. Begins with the pool."""
    entitlements: tuple[Entitlement, ...] | None = None
    """Derived from the enrolments when None: full while enrolled."""


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A human to be admitted with memberships in one or several pools."""

    document_type: str
    document_number: str
    name: str
    gender: str
    birth_date: date
    memberships: tuple[NewMembership, ...]
    ethnicity: str = "01"
    special_identities: tuple[SpecialIdentity, ...] = ()


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who was admitted: the identity and its new memberships, in the order given."""

    identity: int
    memberships: tuple[Membership, ...]
