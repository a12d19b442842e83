"""Refusals: expected "no" answers, each with one stable number and one meaning.

A refusal is a value first (``Refusal``) and an exception second (``Refused``), so that a decision
deep in a rule can end the use case, and a batch can carry one member's refusal beside the others'
results. Anything else that is raised is a fault of ours and becomes a technical failure.
"""

import dataclasses
from dataclasses import dataclass
from enum import IntEnum, unique


@unique
class RefusalCode(IntEnum):
    """``infcode`` of a refusal. Numbers are published: never renumber, only add."""

    # 1xxx the message itself
    MALFORMED = 1001
    TOO_LARGE = 1002
    UNKNOWN_TRANSACTION = 1003
    NOT_OFFERED = 1004
    TRANSACTION_MISMATCH = 1005
    FIELD_MISSING = 1010
    FIELD_TOO_LONG = 1011
    FIELD_INVALID = 1012
    AMOUNT_OUT_OF_RANGE = 1013
    FIELD_CONTRADICTS = 1014
    CONTENT_UNREADABLE = 1015
    MESSAGE_REUSED = 1020
    MESSAGE_REVERSED = 1021
    # 2xxx who asks
    NOT_AUTHENTICATED = 2001
    SIGNATURE_WRONG = 2002
    TIMESTAMP_OFF = 2003
    REPLAYED = 2004
    INSTITUTION_UNKNOWN = 2010
    INSTITUTION_NOT_ALLOWED = 2011
    INSTITUTION_SUSPENDED = 2012
    AREA_DIFFERS = 2013
    CLERK_UNKNOWN = 2030
    CLERK_LOCKED = 2031
    CLERK_NOT_ALLOWED = 2032
    # 3xxx person and insurance
    PERSON_UNKNOWN = 3001
    VOUCHER_NOT_SUPPORTED = 3002
    NOT_ENROLLED = 3003
    PERSON_DIFFERS = 3004
    VOUCHER_INVALID = 3005
    FILING_UNKNOWN = 3020
    FILING_WITHDRAWN = 3021
    FILING_EXISTS = 3022
    AGENT_UNKNOWN = 3023
    # 4xxx visit, lines and settlement
    VISIT_UNKNOWN = 4001
    VISIT_CANCELLED = 4002
    VISIT_SETTLED = 4003
    DATE_NOT_ALLOWED = 4005
    STAY_OVERLAPS = 4006
    NOT_DISCHARGED = 4007
    VISIT_KIND_DIFFERS = 4009
    CODE_UNKNOWN = 4010
    LINE_DIFFERS = 4011
    LINE_AMOUNT_DIFFERS = 4012
    LINE_DUPLICATE = 4013
    LINE_UNKNOWN = 4014
    LINE_RETURNED = 4015
    BATCH_UNKNOWN = 4020
    BATCH_EMPTY = 4021
    BATCH_SETTLED = 4022
    LINES_LEFT = 4023
    TOTAL_DIFFERS = 4030
    SUMS_CHANGED = 4031
    SETTLEMENT_UNKNOWN = 4040
    SETTLEMENT_CANCELLED = 4041
    NOT_REVERSIBLE = 4042
    REVERSAL_DIFFERS = 4043
    # 5xxx law and money
    PARAMETER_MISSING = 5001
    CARE_NOT_OFFERED = 5002
    BALANCE_SHORT = 5010
    ACCOUNT_STATE = 5011
    ACCOUNT_UNKNOWN = 5012
    HOLD_UNKNOWN = 5020
    HOLD_DIFFERS = 5021
    HOLD_ENDED = 5022
    HOLD_EXCEEDED = 5023
    HOLD_NEEDED = 5024
    LINK_UNKNOWN = 5030
    LINK_EXISTS = 5031
    LINK_ENDED = 5032
    RELATION_NOT_ALLOWED = 5033
    CONSENT_MISSING = 5034
    # 6xxx files, reconciliation and clearing
    FILE_UNKNOWN = 6001
    FILE_EXPIRED = 6002
    FILE_INVALID = 6003
    SPAN_NOT_ALLOWED = 6010
    OFFICE_DIFFERS = 6011
    FIGURES_DIFFER = 6012
    CLEARING_UNKNOWN = 6020
    CLEARING_EXISTS = 6021
    CLEARING_DECIDED = 6022
    PAYEE_UNKNOWN = 6030
    NOTHING_TO_PAY = 6031
    AMOUNT_EXCEEDS = 6032
    BANK_FILE_INVALID = 6033
    RUN_UNKNOWN = 6034
    # 7xxx goods, prescriptions and payment orders
    GOODS_UNKNOWN = 7001
    CODE_SOLD = 7002
    CODE_NOT_SOLD = 7003
    PRESCRIPTION_UNKNOWN = 7010
    PRESCRIPTION_STATE = 7011
    PRESCRIPTION_EXPIRED = 7012
    PRESCRIPTION_HELD = 7013
    PRESCRIPTION_EXCEEDED = 7014
    PRESCRIPTION_EXISTS = 7015
    PRESCRIPTION_SIGNATURE = 7016
    ORDER_UNKNOWN = 7020
    ORDER_STATE = 7021
    ORDER_EXISTS = 7022
    REFUND_EXCEEDS = 7023
    # 65xx an institution's own records: departments, items
    RECORD_EXISTS = 6501
    RECORD_UNKNOWN = 6502
    # 66xx settlement lists, uploads and findings
    LIST_UNKNOWN = 6601
    LIST_SUBMITTED = 6602
    LIST_DIFFERS = 6603
    UPLOAD_UNKNOWN = 6610
    UPLOAD_COMPLETE = 6611
    FINDING_UNKNOWN = 6620
    # 67xx a bureau's clerks: proposals, manual claims, files of persons
    KIND_UNKNOWN = 6701
    PROPOSAL_UNKNOWN = 6702
    PROPOSAL_DECIDED = 6703
    SECOND_CLERK_NEEDED = 6704
    CLAIM_DOUBLE = 6710
    CLAIM_SIMILAR = 6711
    BUREAU_ALONE = 6712
    NOTHING_TO_CORRECT = 6713
    FILES_DIFFER = 6720
    # 9xxx not accepted, nothing done: send the same msgid again
    BUSY = 9001
    FAILED = 9002


OUTCOME_UNKNOWN = -1
"""``infcode`` when even the server cannot say whether the message took effect."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was not done: the code, the Chinese text, the field (our name) it is about."""

    code: RefusalCode
    message: str
    field: str | None = None
    facts: dict[str, str] = dataclasses.field(default_factory=dict)
    """Figures that the caller may need to go on (the new sums, the server's clock)."""


class Refused(Exception):  # noqa: N818 - a fact, not an error: the caller was refused
    """Carries a refusal up to the edge; nothing has changed."""

    def __init__(
        self, code: RefusalCode, message: str, field: str | None = None, **facts: str
    ) -> None:
        self.refusal = Refusal(code, message, field, facts)
        super().__init__(f"{code.name}: {message}")

    @classmethod
    def of(cls, refusal: Refusal) -> "Refused":
        """The exception that carries a refusal made elsewhere."""
        return cls(refusal.code, refusal.message, refusal.field, **refusal.facts)
