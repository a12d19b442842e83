"""An insured person as the other rooms see one (frozen, read whole for a day's decision)."""

from datetime import date, timedelta

from yibao.kernel.areas import Division, Pool, lies_in
from yibao.kernel.frozen import Frozen
from yibao.kernel.periods import Period, age_on
from yibao.policy.terms import EntitlementExtent, Filing, IdentityKind, PersonType, Scheme
from yibao.registry.family.model import FamilyLink

CIVIL_SERVANT = Scheme("320")
"""Medical aid of civil servants (公务员医疗补助): an enrolment beside the employees' scheme."""

REFERRED, SELECTED = "referred", "selected"
"""Circumstances of care that filings give, as laws name them."""

CHOICES = ("03", "05")
"""``biz_appy_type`` of a general choice: institution of care (就医定点), family doctor's (签约)."""

RETIRED = "12"
"""Person types of the retired begin with this."""


class Identity(Frozen):
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


class Membership(Frozen):
    """An identity's number in a pool for a period (人员编号, ``psn_no``)."""

    pool: Pool
    number: str
    """Begins with the pool."""
    identity: int
    period: Period


class Enrolment(Frozen):
    """A scheme the member is enrolled in (参保), by period."""

    scheme: Scheme
    division: Division
    """Insured division (参保地, ``insuplc_admdvs``), a county may lie in a city's pool."""
    person_type: PersonType
    period: Period
    employer: str | None = None
    civil_servant: bool = False
    retired_on: date | None = None
    """Day of retirement (退休时间), while the person type is a retired one and the day is known."""


class Entitlement(Frozen):
    """What the member may use of a scheme in a period (待遇), derived from law and payments."""

    scheme: Scheme
    extent: EntitlementExtent
    period: Period
    reason: str


class SpecialIdentity(Frozen):
    """A special identity of the human (特殊身份): minimum-living allowance, disabled …"""

    kind: IdentityKind
    level: str | None
    period: Period
    note: str | None = None


class Trait(Frozen):
    """A word on which a law may turn (待遇标识): civil servant's rank, tier of premium, signed."""

    word: str
    period: Period


class FiledCare(Frozen):
    """What is on file for care away from home (异地就医备案)."""

    kind: Filing
    period: Period
    place: Division | None = None
    """Division of the care; a province or city means all of it, None everywhere."""
    institution: str | None = None
    """The institution the member was referred to (转往医院); None: none was named."""


class FiledDisease(Frozen):
    """A chronic or special disease on file (门诊慢特病备案, 2503)."""

    code: str
    """``opsp_dise_code``."""
    name: str
    period: Period
    institution: str | None = None
    """The only institution it may be treated at; None: any."""


class DesignatedInstitution(Frozen):
    """An institution the member has chosen (人员定点备案, 2505)."""

    institution: str
    business: str
    """``biz_appy_type``: what it was chosen for."""
    order: int
    """``fix_srt_no``."""
    period: Period


class Insured(Frozen):
    """A member with everything that is known of them now."""

    identity: Identity
    membership: Membership
    enrolments: tuple[Enrolment, ...]
    entitlements: tuple[Entitlement, ...]
    special_identities: tuple[SpecialIdentity, ...]
    traits: tuple[Trait, ...] = ()
    filings: tuple[FiledCare, ...] = ()
    diseases: tuple[FiledDisease, ...] = ()
    designated: tuple[DesignatedInstitution, ...] = ()
    paid_by: tuple[FamilyLink, ...] = ()
    """Links by which relatives' accounts pay, in their order (家庭共济)."""

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

    def traits_on(self, day: date) -> tuple[str, ...]:
        """The words that hold on ``day``, in alphabetical order."""
        return tuple(sorted({t.word for t in self.traits if t.period.holds(day)}))

    def filing_on(self, place: str, day: date) -> Filing:
        """What is on file on ``day`` for care in a division; of several the first of the terms."""
        kinds = {
            filed.kind
            for filed in self.filings
            if filed.period.holds(day) and (filed.place is None or lies_in(place, filed.place))
        }
        return next((kind for kind in Filing if kind in kinds), Filing.NONE)

    def diseases_on(self, day: date) -> tuple[FiledDisease, ...]:
        """The chronic and special diseases on file on ``day``, in code order."""
        return tuple(
            sorted((d for d in self.diseases if d.period.holds(day)), key=lambda d: d.code)
        )

    def designated_on(self, day: date) -> tuple[DesignatedInstitution, ...]:
        """The institutions the member has chosen, as of ``day``, in their order."""
        chosen = (d for d in self.designated if d.period.holds(day))
        return tuple(sorted(chosen, key=lambda d: (d.business, d.order)))

    def circumstances_at(self, institution: str, division: str, day: date) -> tuple[str, ...]:
        """The words of a law's ``circumstance`` that the filings give care at an institution.

        ``referred``: the member was sent there (转诊), by name or, where a clerk filed none, to its
        place; ``selected``: the member chose it for care as such (定点), not for a drug or a test.
        """
        if not self.filings and not self.designated:
            return ()
        sent = any(
            filed.kind is Filing.TRANSFER
            and filed.period.holds(day)
            and (
                lies_in(division, filed.place or division)
                if filed.institution is None
                else filed.institution == institution
            )
            for filed in self.filings
        )
        chosen = any(
            d.institution == institution and d.business in CHOICES for d in self.designated_on(day)
        )
        return (*((REFERRED,) if sent else ()), *((SELECTED,) if chosen else ()))

    def enrolled_beside(self, scheme: Scheme, day: date) -> tuple[Scheme, ...]:
        """The other schemes the member is enrolled in on ``day``; civil servants in 320 too."""
        holding = [row for row in self.enrolments if row.period.holds(day)]
        schemes = {row.scheme for row in holding}
        if any(row.civil_servant for row in holding):
            schemes.add(CIVIL_SERVANT)
        return tuple(sorted(schemes - {scheme}))

    def enrolled_years(self, scheme: Scheme, day: date) -> int:
        """Whole years up to ``day`` of enrolment without a gap (连续参保)."""
        begin = day + timedelta(days=1)
        for row in sorted(self.enrolments, key=lambda row: row.period.start, reverse=True):
            if row.scheme != scheme or row.period.start > day:
                continue
            if row.period.end is not None and row.period.end < begin:
                break
            begin = row.period.start
        return age_on(begin, day) if begin <= day else 0


# ---------------------------------------------------------------------------------------- admission


class NewMembership(Frozen):
    """A membership to be admitted, with its enrolments."""

    pool: Pool
    period: Period
    enrolments: tuple[Enrolment, ...]
    number: str | None = None
    """A number of the old system; made by us when None. Begins with the pool."""
    entitlements: tuple[Entitlement, ...] | None = None
    """Derived from the enrolments when None: full while enrolled."""
    foreign: bool = False
    """The number was given by another platform and need not begin with the pool."""
    traits: tuple[Trait, ...] = ()


class NewPerson(Frozen):
    """A human to be admitted with memberships in one or several pools."""

    document_type: str
    document_number: str
    name: str
    gender: str
    birth_date: date
    memberships: tuple[NewMembership, ...]
    ethnicity: str = "01"
    special_identities: tuple[SpecialIdentity, ...] = ()


class Admitted(Frozen):
    """Who was admitted: the identity and its new memberships, in the order given."""

    identity: int
    memberships: tuple[Membership, ...]
