"""Requests to the settlement room and the facts it answers with. Amounts in fen, times aware UTC.

Requests are frozen and hold our words only; the gateway translates from the interface's names.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar

from yibao.accounts.family.elsewhere.model import HeldPurse
from yibao.adjudication.model import Sums
from yibao.kernel.frozen import Frozen, astuple, field
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen, Price, Quantity, Rate
from yibao.policy.model import OverLimit
from yibao.policy.terms import CareKind, ItemClass, PersonType, Scheme
from yibao.registry.people.model import Insured

ALL_BATCHES = "0000"
"""``chrg_bchno`` of 2205 that means every unsettled batch of the visit."""


class VisitKind(StrEnum):
    """What kind of care a visit is."""

    OUTPATIENT = "outpatient"
    STAY = "stay"
    """An inpatient stay (住院), from admission (2401) to discharge (2402)."""
    PURCHASE = "purchase"
    """A purchase at a retail pharmacy (药店购药), one message from lines to settlement (2102)."""


class VisitState(StrEnum):
    """State of a visit (就诊). A stay is open until it is cancelled; ``end`` says if it is over."""

    OPEN = "open"
    CANCELLED = "cancelled"


class Origin(StrEnum):
    """Where a settlement came from."""

    INSTITUTION = "institution"
    BUREAU_MANUAL = "manual"
    SUPPLEMENT = "supplement"
    CORRECTION = "correction"


BUREAU = "bureau"
"""In place of an institution where the bureau settles with the person itself: a paper bill, a
supplement. No institution has this code, so none sees them."""


class Payee(StrEnum):
    """Whom the funds are paid to."""

    INSTITUTION = "institution"
    PERSON = "person"


class SettlementKind(StrEnum):
    """A settlement, its mirror, or its repetition after the mirror was reversed."""

    SETTLEMENT = "settlement"
    CANCELLATION = "cancellation"
    REINSTATEMENT = "reinstatement"
    SUPPLEMENT = "supplement"
    """Who pays a settled bill changed; its total is 0 and its difference the person's."""


# --------------------------------------------------------------------------------------- practice


class UnknownItems(StrEnum):
    """What an item without a national code means (CONCEPTS section 9)."""

    OWN_EXPENSE = "own_expense"
    """Own expense, with a warning: a bill's total must equal the hospital's."""
    REFUSE = "refuse"


class SerialScope(StrEnum):
    """Within what a fee line's serial (``feedetl_sn``) names one line."""

    VISIT = "visit"
    BATCH = "batch"
    """Clients number the lines of every charge batch anew; only where batches are named (2204)."""


class Practice(Frozen):
    """What differs by province in the handling of fee lines; values of the dialect's profile."""

    line_tolerance: Fen = 1
    """|amount − price × count| may be that much; the sent amount counts."""
    unknown_items: UnknownItems = UnknownItems.REFUSE
    own_expense_codes: frozenset[str] = frozenset()
    """Placeholder codes of the province for what is own expense anyway."""
    approvals: Mapping[str, bool | None] = field(
        default_factory=lambda: {"": None, "0": None, "1": True, "2": False}
    )
    """``hosp_appr_flag`` → none needed, approved, refused; "" is an absent flag."""
    serials: SerialScope = SerialScope.VISIT
    over_limit: OverLimit | None = None
    """What becomes of a price above the ceiling (``overlmt_dspo_way``); None: as the law says."""


DEFAULT_PRACTICE = Practice()


# --------------------------------------------------------------------------------------- requests


class RegisterVisit(Frozen):
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
    voucher_holder: str | None = None
    """Document number of whom an e-credential or card belongs to; None where the voucher is the
    document itself, is not repeated, or is nobody's (unknown, or its time has passed)."""


class CancelRegistration(Frozen):
    """Withdraw a visit that has no living settlement (2202)."""

    institution: str
    member: str
    visit: PoolKey
    outpatient_number: str


class Diagnosis(Frozen):
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
    is_main: bool | None = None
    """``maindiag_flag`` of a stay; None where it is not said."""
    condition: str | None = None
    """``adm_cond``: the condition at admission."""


class DescribeVisit(Frozen):
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


class FeeLine(Frozen):
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
    returns: str | None = None
    """Serial of the line that this one gives back in part or whole (``init_feedetl_sn``); then
    quantity and amount are negative (退费)."""


class UploadFees(Frozen):
    """Upload fee lines of one visit (2204: in one or several batches; 2301: ``batch`` is "").

    Answers a tuple of LineFacts in the order sent; a stay's name the batch that the room chose.
    """

    institution: str
    member: str
    visit: PoolKey
    lines: tuple[FeeLine, ...]
    practice: Practice = DEFAULT_PRACTICE


class WithdrawLines(Frozen):
    """Withdraw unsettled lines of a stay by their serials, or all of them (2302).

    Answers how many (int).
    """

    institution: str
    member: str
    visit: PoolKey
    serials: tuple[str, ...]
    """``0000`` (``ALL_BATCHES``) alone means all."""


class WithdrawFees(Frozen):
    """Withdraw an unsettled batch, or all of them (2205)."""

    institution: str
    member: str
    visit: PoolKey
    batch: str


class Box(Frozen):
    """A box of a drug that is handed out with a bill (药品追溯码); the room of goods keeps it."""

    line: str
    """Number of the fee line (``feedetl_sn``)."""
    code: str
    split: bool = False
    """A part of an opened box (拆零)."""


class Settle(Frozen):
    """Settle one charge batch of a visit (2207), or a stay (2304); trials (2206, 2303) are the same
    request. Answers SettlementFacts.

    A stay's ``batch`` is "": everything of it that is not settled yet.
    """

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
    interim: bool = False
    """An interim settlement of a stay that goes on (中途结算, ``mid_setl_flag``)."""
    discharged_at: datetime | None = None
    """``dscg_time`` of 2303/2304; must be the day of the discharge on file, when both are there."""
    practice: Practice = DEFAULT_PRACTICE
    voucher_holder: str | None = None
    """As of ``RegisterVisit``."""
    held: tuple[HeldPurse, ...] | None = None
    """What relatives' accounts in other pools hold for this bill; None: nobody has asked them."""
    boxes: tuple[Box, ...] = ()


class Purchase(Frozen):
    """Buy at a pharmacy: visit, lines and settlement in one message (2102; its trial is 2101).

    Both answer SettlementFacts with the lines as they were priced.
    """

    institution: str
    member: str
    scheme: Scheme | None
    """None: the only scheme the member is enrolled in (the employees' first)."""
    care_kind: CareKind
    begin: datetime
    voucher_type: str
    voucher_number: str | None
    total: Fen
    use_account: bool
    lines: tuple[FeeLine, ...]
    message_id: str
    disease_code: str | None = None
    disease_name: str | None = None
    invoice: str | None = None
    prescription: str | None = None
    """Number of the hospital's electronic prescription that is filled (``rxno``)."""
    practice: Practice = DEFAULT_PRACTICE
    way: str = "01"
    """``psn_setlway``."""
    voucher_holder: str | None = None
    """As of ``RegisterVisit``."""
    held: tuple[HeldPurse, ...] | None = None
    """As of ``Settle``."""
    boxes: tuple[Box, ...] = ()


class CancelSettlement(Frozen):
    """Mirror a settlement (2103, 2208, 2305); answers the mirror's SettlementFacts."""

    institution: str
    member: str
    visit: PoolKey
    settlement: PoolKey
    message_id: str


class Reverse(Frozen):
    """Undo whatever an earlier message did, if it did anything (冲正, 2601); answers None."""

    STAYS_REFUSED: ClassVar[bool] = True
    """Nothing undoes a reversal: a late copy of a refused one must not be done one day."""

    institution: str
    member: str
    original_transaction: str
    original_message: str
    message_id: str


# ----------------------------------------------------------------------------------------- stays


class Admit(Frozen):
    """Admit a member to hospital (入院办理, 2401); answers VisitFacts."""

    institution: str
    member: str
    scheme: Scheme
    care_kind: CareKind
    begin: datetime
    voucher_type: str
    voucher_number: str
    inpatient_number: str
    """The hospital's own number (``ipt_no``)."""
    doctor_code: str
    doctor_name: str
    department_code: str
    department_name: str
    condition: str | None
    disease_code: str | None
    disease_name: str | None
    diagnoses: tuple[Diagnosis, ...]
    details: Mapping[str, Any]
    """All other fields as sent (bed, contact, birth …); official names, JSON values."""
    voucher_holder: str | None = None
    """As of ``RegisterVisit``."""


class ChangeAdmission(Frozen):
    """Correct what was said at the admission (住院信息变更, 2403)."""

    institution: str
    member: str
    visit: PoolKey
    admission: Admit
    """The admission as it is to stand; its scheme and voucher are not asked again."""
    end: datetime | None = None
    """Corrects the discharge, where there is one on file; it does not discharge."""


class Discharge(Frozen):
    """Discharge a member (出院办理, 2402); answers VisitFacts.

    Sent again, it stands in the place of the earlier one, as long as nothing final is settled.
    """

    institution: str
    member: str
    visit: PoolKey
    scheme: Scheme
    end: datetime
    disease_code: str | None
    disease_name: str | None
    diagnoses: tuple[Diagnosis, ...]
    way: str
    """``dscg_way``: 1 doctor's advice … 5 death."""
    died_on: date | None
    """None with ``way`` 5: the day of discharge."""
    details: Mapping[str, Any]


class ReopenStay(Frozen):
    """Take a discharge back (出院撤销, 2405); answers VisitFacts."""

    institution: str
    member: str
    visit: PoolKey


class CancelAdmission(Frozen):
    """Take an admission back that has no settlement and no lines (入院撤销, 2404).

    Answers VisitFacts.
    """

    institution: str
    member: str
    visit: PoolKey


# ------------------------------------------------------------------------------------------ facts


class VisitFacts(Frozen):
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
    kind: VisitKind = VisitKind.OUTPATIENT
    end: datetime | None = None
    """Discharge of a stay; None while the person is in hospital."""
    discharge_diagnoses: tuple[Diagnosis, ...] = ()
    chain: str | None = None
    """The chain of stays it belongs to (转诊, 再入院), by the first visit's id."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """What was sent beside (bed, contact, way of discharge …), by official names."""
    prescription: str | None = None
    """Number of the electronic prescription that a purchase filled."""
    died_on: date | None = None
    """The day of death, when the person died in hospital."""
    identity: int | None = None
    """The human of a stay, above the pools; never told to an institution."""


class LineFacts(Frozen):
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
    """The part of ``over_limit`` that the hospital bears."""


class PaymentFacts(Frozen):
    """One fund's payment as settled."""

    fund: str
    amount_field: str
    base: Fen
    amount: Fen
    available: Fen | None
    rate: str | None
    payer: str = ""
    """The payer's path in the law; empty for settlements that did not keep it."""


class SettlementFacts(Frozen):
    """A settlement, its trial (``key`` None) or its mirror, as stored."""

    key: PoolKey | None
    kind: SettlementKind
    mirrors: PoolKey | None
    """The original that a cancellation or reinstatement repeats, or that a supplement changes."""
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
    interim: bool = False
    """Of a stay that goes on (中途结算)."""
    supplements: tuple[int, ...] = ()
    """Numbers of the living supplements to it, oldest first."""
    insured: Insured | None = None
    """The person as known when the bill was decided; None when the bill is read back."""
    lines: tuple[LineFacts, ...] = ()
    """Of a purchase and its trial: the lines as sent, priced and split; else not told."""

    def __eq__(self, other: object) -> bool:
        """Equal in what was settled; what is told beside it (``insured``, ``lines``) is no part."""
        return isinstance(other, SettlementFacts) and _settled(self) == _settled(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    @property
    def funds(self) -> Fen:
        """Sum of all funds."""
        return sum(payment.amount for payment in self.payments)


def _settled(facts: SettlementFacts) -> tuple[Any, ...]:
    return astuple(facts)[:-2]
