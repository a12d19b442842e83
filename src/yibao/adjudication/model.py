"""What adjudication reads and what it answers. All amounts are fen (``kernel.money.Fen``).

Two functions stand on these types and stay apart, because cross-region care needs them apart:
``classify`` (lines under the catalogue of the place of care) and ``benefit`` (sums under the law of
the place of insurance, with the person's history).
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from yibao.kernel.frozen import Frozen, astuple
from yibao.kernel.money import NO_CEILING, ZERO_RATE, Fen, Price, Quantity, Rate
from yibao.policy.model import GENERAL_BUCKET, OverLimit
from yibao.policy.terms import (
    CareKind,
    EntitlementExtent,
    Filing,
    IdentityKind,
    ItemClass,
    Level,
    PersonType,
    Place,
    Scheme,
)

__all__ = ["GENERAL_BUCKET"]


# ------------------------------------------------------------------------------------ line level


class ItemTerms(Frozen):
    """What the catalogue row that applies says of an item (目录条款)."""

    item_class: ItemClass
    first_pay: Rate = ZERO_RATE
    """First self-pay ratio (先行自付比例) of class B; 0 for A."""
    ceiling: Price = NO_CEILING
    """Price ceiling per unit (限价)."""
    restricted: bool = False
    """Limited in use (限制使用): in scope only when the hospital approved it."""
    bucket: str = GENERAL_BUCKET
    """Benefit bucket: lines that the law treats apart (dual-channel drugs) are summed apart."""
    over_limit: OverLimit = OverLimit.OWN
    """What becomes of the price above the ceiling (``overlmt_dspo_way``)."""


class ChargedLine(Frozen):
    """One fee line as the hospital sent it."""

    amount: Fen
    price: Price
    quantity: Quantity
    approved: bool | None = None
    """``hosp_appr_flag``: None no approval needed (0), True approved (1), False refused (2)."""


class LineSplit(Frozen):
    """The four parts of one line; amount = own + over_limit + first_pay + in_scope."""

    own: Fen
    over_limit: Fen
    first_pay: Fen
    in_scope: Fen
    hospital: Fen = 0
    """The part of ``over_limit`` that the hospital bears."""

    def __sub__(self, other: "LineSplit") -> "LineSplit":
        return LineSplit(
            self.own - other.own,
            self.over_limit - other.over_limit,
            self.first_pay - other.first_pay,
            self.in_scope - other.in_scope,
            self.hospital - other.hospital,
        )


class Sums(Frozen):
    """The five sums of a set of lines (五项金额)."""

    total: Fen = 0
    own: Fen = 0
    over_limit: Fen = 0
    first_pay: Fen = 0
    in_scope: Fen = 0
    hospital: Fen = 0
    """The part of ``over_limit`` that the hospital bears."""

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.total + other.total,
            self.own + other.own,
            self.over_limit + other.over_limit,
            self.first_pay + other.first_pay,
            self.in_scope + other.in_scope,
            self.hospital + other.hospital,
        )

    def __neg__(self) -> "Sums":
        return Sums(
            -self.total,
            -self.own,
            -self.over_limit,
            -self.first_pay,
            -self.in_scope,
            -self.hospital,
        )


# --------------------------------------------------------------------------------- benefit level


class Person(Frozen):
    """The facts of the insured person that a benefit may depend on, on the day of the bill."""

    person_type: PersonType
    birth_date: date
    gender: str = "0"
    identities: tuple[IdentityKind, ...] = ()
    entitlement: EntitlementExtent = EntitlementExtent.FULL
    traits: tuple[str, ...] = ()
    """Words of the registry: rank of a civil servant, tier of premium, signed family doctor …"""
    enrolments: tuple[Scheme, ...] = ()
    """Other schemes the person is enrolled in (320 civil servants, 330 large amounts …)."""
    retired_on: date | None = None
    enrolled_years: int | None = None
    """Whole years enrolled without a gap, where the law asks (连续参保年限)."""
    claim_free_years: int | None = None
    """Whole years without a claim on critical illness, up to now."""


class Provider(Frozen):
    """The facts of the institution that a benefit may depend on."""

    level: Level
    """For a pharmacy: the level whose rules apply (the prescriber's, or grass-roots)."""
    is_pharmacy: bool = False


class Bill(Frozen):
    """A bill to be decided: sums by bucket and every fact that the law may ask for."""

    scheme: Scheme
    care_kind: CareKind
    day: date
    """The day the law, the facts and the benefit year are taken from (``date_basis``)."""
    person: Person
    provider: Provider
    sums: Mapping[str, Sums]
    disease: str | None = None
    """Code of the disease the benefit is for (chronic or special disease, single-disease price)."""
    use_account: bool = True
    visit: str | None = None
    """The visit it belongs to: instance of counters of visit scope (a deductible paid once a visit
    that settles several batches, interim settlements). None: the bill is a visit of its own."""
    place: Place = Place.LOCAL
    filing: Filing = Filing.NONE
    circumstances: tuple[str, ...] = ()
    """Words on which a law may turn: referred, selected, day_surgery, home_bed …"""
    begin: date | None = None
    """First day of care in this bill, where it spans days; None: ``day``."""
    days: int = 1
    """Days of the stay so far (住院天数), for deductibles by days and prices by the day."""
    months: int = 1
    """Months that a prescription is for (长期处方)."""
    further_diseases: int = 0
    """Further chronic diseases on file beside ``disease``."""
    chain: str | None = None
    """The chain of stays it belongs to (转诊, 再入院); None: a chain of its own visit."""
    fixed_price: bool = False
    """Settled at a fixed price (``psn_setlway`` 02): the law must have one."""


class CounterKey(NamedTuple):
    """One accumulator (累计) of a member: its name in the law and the scope instance."""

    name: str
    """As the law declares it, e.g. ``outpatient_deductible``, ``outpatient_fund``."""
    scope: str
    """Instance of the scope: ``2026`` for a benefit year, ``life``, ``2026-07`` for a month …,
    followed by ``|class`` for each dimension the counter is ``by``: ``2026|l3``. A counter of stays
    has a second instance, ``visit:<visit>``, by which a visit is counted once."""


History = Mapping[CounterKey, int]
"""Counter values before the bill, in fen (or in times for counts); absent is 0."""


class AccountPart(Frozen):
    """One part of the personal account (个人账户) that may pay, in the order given."""

    key: str
    """The ledger's account, opaque to the law."""
    origin: str
    """``current`` (当年) or ``carried`` (历年): areas may allow them different uses."""
    available: Fen


class FamilyAccount(Frozen):
    """A relative's personal account that may pay after the person's own (家庭共济账户)."""

    parts: tuple[AccountPart, ...]
    limit: Fen | None = None
    """The most it may pay of this bill; None: what it holds."""


class Payment(Frozen):
    """What one fund pays of the bill."""

    fund: str
    """National fund code (基金支付类型, ``fund_pay_type``): 310100, 390100, 330100 …"""
    amount_field: str
    """Amount field of the interface the fund is reported in: hifp, hifob, hifmi, maf, …"""
    base: Fen
    """The part of the cost this payer worked on."""
    amount: Fen
    available: Fen | None = None
    """What its cap still allowed before this bill; None when it has no cap."""
    rate: Rate | None = None
    """The ratio when one ratio decided the whole payment."""
    payer: str = ""
    """The payer's path in the law: ``benefits.inpatient.payers.pool``, ``payers.assistance``."""


class Step(Frozen):
    """One step of the computation: the explanation a patient reads is the list of these."""

    name: str
    """Stable key of the step: ``line_split``, ``deductible``, ``band``, ``cap``, ``account`` …"""
    text: str
    """Plain Chinese with the figures in it."""
    base: Fen | None = None
    rate: str | None = None
    result: Fen | None = None
    parameter: str | None = None
    """Path of the law's parameter, e.g. ``110000/employee.toml: outpatient.deductible.active``."""
    reference: str | None = None
    """The source the law names for that value."""
    english: str = ""
    """The same sentence in plain English."""


class Statement(Frozen):
    """The decided bill. Identities of ``docs/money.md`` hold and are asserted when it is made."""

    sums: Sums
    """As settled: an out-of-area first pay has moved from ``in_scope`` to ``first_pay``."""
    deductible: Fen
    """Deductible paid with this bill (起付线, ``act_pay_dedc``); lies inside ``in_scope``."""
    payments: tuple[Payment, ...]
    personal: Fen
    account: tuple[tuple[str, Fen], ...]
    """Personal-account parts used: (part key, amount > 0)."""
    cash: Fen
    hospital_part: Fen = 0
    family_accounts: tuple[tuple[str, Fen], ...] = ()
    """Parts of relatives' accounts used: (part key, amount > 0)."""
    counters: tuple[tuple[CounterKey, int], ...] = ()
    """Signed entries to the person's counters, none of them zero."""
    trace: tuple[Step, ...] = ()

    def __eq__(self, other: object) -> bool:
        """Equal as decided; how it is explained (``trace``) is no part."""
        return isinstance(other, Statement) and _decided(self) == _decided(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    @property
    def funds(self) -> Fen:
        """Sum of all funds (``fund_pay_sumamt``)."""
        return sum(payment.amount for payment in self.payments)

    @property
    def account_total(self) -> Fen:
        """Sum of the own personal account (``acct_pay``)."""
        return sum(amount for _, amount in self.account)

    @property
    def family(self) -> Fen:
        """Sum of relatives' personal accounts (``acct_mulaid_pay``)."""
        return sum([amount for _, amount in self.family_accounts])

    def check(self, *, deductible_is_personal: bool = True, outside: Fen = 0) -> None:
        """Assert the identities of a settled bill; a broken one is a fault of the kernel.

        A law may let a later payer (medical assistance) pay the deductible too; then it does not
        lie beside the funds within the in-scope amount. ``outside`` is what funds pay of parts
        outside the scope (top-ups that count first pay or own expense).
        """
        sums, funds, account, family = self.sums, 0, 0, 0
        for payment in self.payments:
            assert payment.amount > 0, "a fund pays or is not named"
            funds += payment.amount
        for _, amount in self.account:
            assert amount > 0, "an account part pays or is not named"
            account += amount
        for _, amount in self.family_accounts:
            assert amount > 0, "a relative's account part pays or is not named"
            family += amount
        for _, delta in self.counters:
            assert delta != 0, "a counter moves or is not named"
        own_side = sums.own + sums.over_limit + sums.first_pay
        assert sums.total == own_side + sums.in_scope, "total = own + over + first + in scope"
        assert sums.total == funds + self.personal + self.hospital_part, "total = all who pay"
        assert self.personal == account + family + self.cash, "who pays the person's part"
        beside = self.deductible if deductible_is_personal else 0
        assert beside + funds - outside <= sums.in_scope, "deductible and funds lie in scope"
        assert 0 <= outside <= own_side, "what top-ups pay outside the scope lies there"
        assert self.hospital_part >= 0, "the hospital's part is not negative"
        assert 0 <= self.deductible <= sums.in_scope, "a deductible lies in scope"
        assert self.cash >= 0, "cash is not negative"


def _decided(statement: Statement) -> tuple[Any, ...]:
    return astuple(statement)[:-1]
