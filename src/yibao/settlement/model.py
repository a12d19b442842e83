"""Requests to the settlement room and the facts it answers with. Amounts in fen, times aware UTC.

Requests are frozen and hold our words only; the gateway translates from the interface's names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from yibao.adjudication.model import Sums
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen, Price, Quantity, Rate
from yibao.policy.terms import CareKind, ItemClass, PersonType, Scheme
from yibao.registry.people.model import Insured

ALL_BATCHES = "0000"
"""``chrg_bchno`` of 2205 that means every unsettled batch of the visit."""


class VisitState(StrEnum):
    """State of a visit (就诊)."""

    OPEN = "open"
    CANCELLED = "cancelled"


class Origin(StrEnum):
    """Where a settlement came from."""

    INSTITUTION = "institution"
    BUREAU_MANUAL = "manual"
    SUPPLEMENT = "supplement"
    CORRECTION = "correction"


class Payee(StrEnum):
    """Whom the funds are paid to."""

    INSTITUTION = "institution"
    PERSON = "person"


class SettlementKind(StrEnum):
    """A settlement, its mirror, or its repetition after the mirror was reversed."""

    SETTLEMENT = "settlement"
    CANCELLATION = "cancellation"
    REINSTATEMENT = "reinstatement"


# --------------------------------------------------------------------------------------- requests


@dataclass(frozen=True, slots=True)
class RegisterVisit:
    """Open an outpatient visit (门诊挂号, 2201)."""

    institution: str
    member: str
    scheme: Scheme
    begin: datetime
    voucher_type: str
    voucher_number: str
    outpatient_number: str
    """The hospital's own number (``ipt_otp_no``)."""
    doctor_code: str
    doctor_name: str
    department_code: str
    department_name: str
    speciality: str


@dataclass(frozen=True, slots=True)
class CancelRegistration:
    """Withdraw a visit that has no living settlement (2202)."""

    institution: str
    member: str
    visit: PoolKey
    outpatient_number: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One diagnosis of a visit (诊断)."""

    kind: str
    """``diag_type``: 1 western, 2 main Chinese, 3 Chinese syndrome."""
    order: int
    code: str
    name: str
    department: str
    doctor_code: str
    doctor_name: str
    time: datetime
    valid: bool = True


@dataclass(frozen=True, slots=True)
class DescribeVisit:
    """Say what the visit was: kind of care, disease, diagnoses (2203)."""

    institution: str
    member: str
    visit: PoolKey
    care_kind: CareKind
    begin: datetime
    condition: str | None
    disease_code: str | None
    disease_name: str | None
    diagnoses: tuple[Diagnosis, ...]
    maternity: Mapping[str, str]
    """Birth and family-planning fields as sent (``matn_type``, ``geso_val`` …)."""


@dataclass(frozen=True, slots=True)
class FeeLine:
    """One fee line as sent (费用明细, 2204)."""

    serial: str
    """``feedetl_sn``."""
    batch: str
    """``chrg_bchno``."""
    item: str
    """National code (``med_list_codg``)."""
    institution_item: str
    """``medins_list_codg``."""
    amount: Fen
    price: Price
    quantity: Quantity
    time: datetime
    approval: str
    """``hosp_appr_flag``: 0 none needed, 1 approved, 2 refused."""
    details: Mapping[str, Any]
    """All other fields as sent (prescription, dose, doctors …), kept and given back by 5204."""


@dataclass(frozen=True, slots=True)
class UploadFees:
    """Upload fee lines of one visit, in one or several batches (2204)."""

    institution: str
    member: str
    visit: PoolKey
    lines: tuple[FeeLine, ...]


@dataclass(frozen=True, slots=True)
class WithdrawFees:
    """Withdraw an unsettled batch, or all of them (2205)."""

    institution: str
    member: str
    visit: PoolKey
    batch: str


@dataclass(frozen=True, slots=True)
class Settle:
    """Settle one charge batch of a visit (2207); the trial (2206) is the same request."""

    institution: str
    member: str
    visit: PoolKey
    batch: str
    scheme: Scheme
    care_kind: CareKind
    total: Fen
    use_account: bool
    way: str
    """``psn_setlway``: 01 per item."""
    voucher_type: str
    message_id: str
    """Becomes ``medins_setl_id``."""
    invoice: str | None = None
    sums: Sums | None = None
    """The five sums handed back; None where the transaction does not carry them."""
    voucher_number: str | None = None
    """Not every sender repeats the voucher's number when it settles."""


@dataclass(frozen=True, slots=True)
class CancelSettlement:
    """Mirror a settlement (2208)."""

    institution: str
    member: str
    visit: PoolKey
    settlement: PoolKey
    message_id: str


@dataclass(frozen=True, slots=True)
class Reverse:
    """Undo whatever an earlier message did, if it did anything (冲正, 2601)."""

    institution: str
    member: str
    original_transaction: str
    original_message: str
    message_id: str


# ------------------------------------------------------------------------------------------ facts


@dataclass(frozen=True, slots=True)
class VisitFacts:
    """A visit as it stands."""

    key: PoolKey
    institution: str
    member: str
    scheme: Scheme
    state: VisitState
    begin: datetime
    voucher_type: str
    outpatient_number: str
    doctor_code: str
    doctor_name: str
    department_code: str
    department_name: str
    speciality: str
    care_kind: CareKind | None
    condition: str | None
    disease_code: str | None
    disease_name: str | None
    diagnoses: tuple[Diagnosis, ...]
    maternity: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LineFacts:
    """A fee line with what classification made of it."""

    line: FeeLine
    item_name: str
    charge_type: str
    item_class: ItemClass
    first_pay_rate: Rate
    ceiling: Price
    restricted: bool
    own: Fen
    over_limit: Fen
    first_pay: Fen
    in_scope: Fen
    hospital: Fen = 0
    """The part of ``over_limit`` that the hospital bears; not kept with the line."""


@dataclass(frozen=True, slots=True)
class PaymentFacts:
    """One fund's payment as settled."""

    fund: str
    amount_field: str
    base: Fen
    amount: Fen
    available: Fen | None
    rate: str | None
    payer: str = ""
    """The payer's path in the law; empty for settlements that did not keep it."""


@dataclass(frozen=True, slots=True)
class SettlementFacts:
    """A settlement, its trial (``key`` None) or its mirror, as stored."""

    key: PoolKey | None
    kind: SettlementKind
    mirrors: PoolKey | None
    """The original settlement that a cancellation or reinstatement repeats."""
    visit: PoolKey
    batch: str
    institution: str
    member: str
    origin: Origin
    payee: Payee
    scheme: Scheme
    care_kind: CareKind
    person_type: PersonType
    civil_servant: bool
    level: str
    insured_division: str
    care_division: str
    voucher_type: str
    day: date
    """The day the law and the facts were taken from."""
    settled_at: datetime
    message_id: str
    invoice: str | None
    sums: Sums
    deductible: Fen
    payments: tuple[PaymentFacts, ...]
    personal: Fen
    account: Fen
    family: Fen
    cash: Fen
    hospital_part: Fen
    balance: Fen
    """Personal-account balance afterwards (``balc``)."""
    law: str
    """Fingerprint of the law."""
    snapshot: Mapping[str, Any]
    """Every fact used: person, provider, entitlement, counters before, account parts."""
    needs_resettlement: bool = False
    cancelled_by: PoolKey | None = None
    insured: Insured | None = field(default=None, compare=False)
    """The person as known when the bill was decided; None when the bill is read back."""

    @property
    def funds(self) -> Fen:
        """Sum of all funds."""
        return sum(payment.amount for payment in self.payments)
