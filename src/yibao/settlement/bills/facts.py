"""The facts of a bill as the registry knows them, each of the day that the law names. Pure."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from yibao.adjudication.case import facts_asked
from yibao.adjudication.model import Bill, Person, Provider
from yibao.kernel.areas import lies_in
from yibao.kernel.identifiers import PoolKey
from yibao.policy.model import DateBasis, Fact, Law
from yibao.policy.terms import CareKind, Filing, Place, Scheme
from yibao.registry.institutions.model import Directory, Institution, InstitutionTerm
from yibao.registry.people.model import Enrolment, Insured
from yibao.settlement.fees.model import ChargeBatch
from yibao.settlement.model import VisitKind

FIXED_PRICE = "02"
"""``psn_setlway``: settled at a fixed price (按病种结算)."""

_REMEMBERED = 1_024
"""Answers about a law, a kind of care and a day: bills of one day ask the same few."""

DECIDED = ("law", "person", "identity", "entitlement")
"""What a law may take from different days (``date_basis``)."""


class KnownDays(NamedTuple):
    """The days of a bill that a law may name."""

    visit: date
    """Begin of the visit: the admission of a stay."""
    settlement: date
    fee: date | None = None
    """The day of the last fee; only found where the law asks."""
    discharge: date | None = None
    """Of a stay; while the person is in hospital, the day of the last fee."""

    def on(self, basis: DateBasis) -> date:
        """The day of a basis. An outpatient visit is admission and discharge in one."""
        if basis is DateBasis.SETTLEMENT:
            return self.settlement
        if basis is DateBasis.FEE:
            assert self.fee is not None, "the day of the last fee was not looked up"
            return self.fee
        if basis is DateBasis.DISCHARGE and self.discharge is not None:
            return self.discharge
        return self.visit


class Span(NamedTuple):
    """The days of a stay that a bill is of."""

    begin: date
    """First day that this bill is for: the admission, or the first fee after an interim one."""
    days: int
    """Of the stay so far."""
    chain: str | None


@lru_cache(maxsize=_REMEMBERED)
def date_basis(
    law: Law, care_kind: CareKind, day: date, kind: VisitKind = VisitKind.OUTPATIENT
) -> Mapping[str, DateBasis]:
    """Which day decides what, for a kind of care.

    Unless the law says so, the visit's begin; of a stay the discharge.
    """
    rules = law.benefit_for(care_kind, day)
    told = {} if rules is None else rules.date_basis
    usual = DateBasis.DISCHARGE if kind is VisitKind.STAY else DateBasis.VISIT
    return {what: told[what].find(day, {}).value if what in told else usual for what in DECIDED}


class Where(NamedTuple):
    """Where the care of a bill was given."""

    institution: Institution
    term: InstitutionTerm
    directory: Directory


class Deciding(NamedTuple):
    """Everything beside the registry that a bill consists of."""

    scheme: Scheme
    care_kind: CareKind
    visit: PoolKey
    batch: ChargeBatch
    disease: str | None
    use_account: bool
    way: str
    """``psn_setlway``."""
    kind: VisitKind = VisitKind.OUTPATIENT
    span: Span | None = None
    """Of a stay."""
    further_diseases: int = 0
    """Chronic diseases on file beside ``disease``."""


def bill_of(
    deciding: Deciding,
    insured: Insured,
    enrolment: Enrolment,
    where: Where,
    law: Law,
    days: Mapping[str, date],
    *,
    claim_free_years: int | None = None,
) -> Bill:
    """The bill with every fact that the registry has, each as of its day."""
    day = days["law"]
    person = person_of(
        insured, enrolment, deciding.scheme, law, days, claim_free_years=claim_free_years
    )
    place = place_of(where, insured, enrolment, day)
    span = deciding.span
    return Bill(
        scheme=deciding.scheme,
        care_kind=deciding.care_kind,
        day=day,
        person=person,
        provider=Provider(where.term.level, deciding.kind is VisitKind.PURCHASE),
        sums=deciding.batch.buckets,
        disease=deciding.disease,
        use_account=deciding.use_account,
        visit=deciding.visit.text(),
        place=place,
        filing=filing_of(insured, where, place, day),
        circumstances=circumstances_of(insured, where, day),
        begin=None if span is None else span.begin,
        days=1 if span is None else span.days,
        further_diseases=deciding.further_diseases,
        chain=None if span is None else span.chain,
        fixed_price=deciding.way == FIXED_PRICE,
    )


def circumstances_of(insured: Insured, where: Where, day: date) -> tuple[str, ...]:
    """Words on which a law may turn, as far as the registry has them."""
    return insured.circumstances_at(where.institution.code, where.term.division, day)


def is_referred(insured: Insured, division: str, day: date) -> bool:
    """Whether a transfer to a hospital of the division is on file (转诊转院)."""
    return any(
        filed.kind is Filing.TRANSFER
        and filed.period.holds(day)
        and (filed.place is None or lies_in(division, filed.place))
        for filed in insured.filings
    )


def person_of(
    insured: Insured,
    enrolment: Enrolment,
    scheme: Scheme,
    law: Law,
    days: Mapping[str, date],
    *,
    claim_free_years: int | None = None,
) -> Person:
    """The person on the days that the law names."""
    day = days["person"]
    asked = facts_asked(law)
    years = insured.enrolled_years(scheme, day) if Fact.ENROLLED_YEARS in asked else None
    return Person(
        enrolment.person_type,
        insured.identity.birth_date,
        insured.identity.gender,
        insured.identities_on(days["identity"]),
        insured.entitlement_on(scheme, days["entitlement"]),
        insured.traits_on(day),
        insured.enrolled_beside(scheme, day),
        enrolment.retired_on,
        years,
        claim_free_years if Fact.CLAIM_FREE_YEARS in asked else None,
    )


def place_of(where: Where, insured: Insured, enrolment: Enrolment, day: date) -> Place:
    """Where the care is, seen from the pool of insurance; an institution of the pool is at home."""
    pool = insured.membership.pool
    if where.institution.home_pool == pool:
        return Place.LOCAL
    return where.directory.place_of(
        where.term.division, pool, enrolment.division, enrolment.scheme, day
    )


def filing_of(insured: Insured, where: Where, place: Place, day: date) -> Filing:
    """What is on file for the care; at home nothing need be."""
    return Filing.NONE if place is Place.LOCAL else insured.filing_on(where.term.division, day)
