"""What an audit looks at, what it finds, and what the hospital answers. Amounts in fen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen, Quantity
from yibao.policy.terms import Level

# ------------------------------------------------------------------------------------- vocabulary


class Rule(StrEnum):
    """Rules on the scope of payment (限制使用范围); the numbers are ours."""

    DRUG_BY_SEX = "A01"
    ITEM_BY_SEX = "A02"
    DRUG_FOR_CHILDREN = "A03"
    ITEM_BY_AGE = "A04"
    ITEM_BY_WORKING_AGE = "A05"
    DRUG_BY_INSURANCE = "A06"
    DRUG_BY_HOSPITAL_LEVEL = "A07"
    DRUG_BY_KIND_OF_CARE = "A08"


TITLES: Mapping[Rule, str] = {
    Rule.DRUG_BY_SEX: "药品区分性别使用",
    Rule.ITEM_BY_SEX: "项目区分性别使用",
    Rule.DRUG_FOR_CHILDREN: "药品限儿童使用",
    Rule.ITEM_BY_AGE: "项目限年龄使用",
    Rule.ITEM_BY_WORKING_AGE: "项目限就业年龄使用",
    Rule.DRUG_BY_INSURANCE: "药品限工伤或生育保险支付",
    Rule.DRUG_BY_HOSPITAL_LEVEL: "药品限定医疗机构级别",
    Rule.DRUG_BY_KIND_OF_CARE: "药品限定就医方式",
}


class Certainty(StrEnum):
    """How sure a finding is (结果类型)."""

    CLEAR = "clear"
    """明确违规."""
    SUSPECT = "suspect"
    """可疑: a person has to look."""


class Stage(StrEnum):
    """When the rules are asked (监管环节)."""

    BEFORE = "before"
    """事前, before the order is given (3101)."""
    DURING = "during"
    """事中, before the bill is settled (3102)."""
    AFTER = "after"
    """事后, when the bureau goes over what was paid."""


class Action(StrEnum):
    """What follows from a finding."""

    REMIND = "remind"
    DEDUCT = "deduct"
    CLUE = "clue"


# ------------------------------------------------------------------------------------- the audited


@dataclass(frozen=True, slots=True)
class Limit:
    """One row of knowledge (知识点): an item and whom it is for."""

    rule: Rule
    name: str
    """Generic name of the drug, or name of the service."""
    bound: str
    """As the source words it: 男, 儿童, 二级, 住院 …"""
    basis: str
    """The words it rests on (逻辑依据)."""


@dataclass(frozen=True, slots=True)
class Patient:
    """Whom the items are for."""

    sex: str
    """GB/T 2261.1: 1 male, 2 female; anything else is not known."""
    birth: date | None


@dataclass(frozen=True, slots=True)
class Care:
    """Under which circumstances they are used."""

    kind: str
    """``med_type``."""
    scheme: str
    """``insutype``."""
    level: Level


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One item ordered or charged."""

    reference: str
    """The sender's number of it (``rx_id``, ``feedetl_sn``)."""
    item: str
    """National code."""
    name: str
    quantity: Quantity
    amount: Fen
    own: Fen
    """What of the amount the person bears anyway because it is out of scope (全自费)."""
    day: date


# ------------------------------------------------------------------------------------- the findings


@dataclass(frozen=True, slots=True)
class Evidence:
    """One line that breaks a rule."""

    reference: str
    item: str
    name: str
    quantity: Quantity
    amount: Fen
    """What the funds would be asked for without right."""
    day: date
    bound: str
    basis: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule found in one visit (审核结果)."""

    rule: Rule
    certainty: Certainty
    stage: Stage
    action: Action
    text: str
    evidence: tuple[Evidence, ...]
    version: str
    """Of the knowledge the rule used."""

    @property
    def amount(self) -> Fen:
        """Sum of the lines' amounts."""
        return sum(row.amount for row in self.evidence)

    @property
    def quantity(self) -> Quantity:
        """Sum of the lines' quantities."""
        return sum(row.quantity for row in self.evidence)


# ------------------------------------------------------------------------------- requests and facts


@dataclass(frozen=True, slots=True)
class AuditedVisit:
    """One visit that a hospital asks about."""

    person: str
    """The sender's number of the person (``patn_id``)."""
    visit: str
    """``mdtrt_id`` as sent: the platform's, or the hospital's own while there is no other."""
    patient: Patient
    care: Care
    lines: tuple[OrderLine, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """Check what is ordered or charged against the rules (明细审核, 3101 and 3102)."""

    institution: str
    stage: Stage
    scene: str
    """``trig_scen``."""
    task: str
    """``task_id``."""
    visits: tuple[AuditedVisit, ...]
    rules: frozenset[Rule] = frozenset(Rule)


@dataclass(frozen=True, slots=True)
class StoredFinding:
    """A finding under its number."""

    key: PoolKey
    person: str
    visit: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class AuditFacts:
    """An audit that was made."""

    key: PoolKey
    institution: str
    task: str
    audited_at: datetime
    findings: tuple[StoredFinding, ...]


@dataclass(frozen=True, slots=True)
class FindingAnswer:
    """What was done about one finding (处理方式)."""

    finding: PoolKey
    way: str
    """``dspo_way``."""
    reason: str


@dataclass(frozen=True, slots=True)
class AnswerFindings:
    """Say what was done about findings (审核反馈, 3103)."""

    institution: str
    operator: str
    message_id: str
    answers: tuple[FindingAnswer, ...]
