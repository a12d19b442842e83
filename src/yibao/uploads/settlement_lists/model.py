"""A settlement list: what it claims, what stands of it, what is wrong with it. Amounts in fen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen

FINDINGS_VERSION = "QC-2026.1"
"""Of the quality rules in ``rules.py`` (质控版本)."""


class ListState(StrEnum):
    """State of a list (清单状态)."""

    OPEN = "open"
    """Uploaded; a new upload replaces it."""
    SUBMITTED = "submitted"
    """Handed to the bureau; only a change of state opens it again."""


class Severity(StrEnum):
    """How bad a quality finding is (错误等级)."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class QualityFinding:
    """What is wrong with a list that was taken all the same (质控结果)."""

    code: str
    severity: Severity
    field: str
    """Official path of the field."""
    text: str


@dataclass(frozen=True, slots=True)
class ItemClaim:
    """One row of charges by category (收费项目)."""

    category: str
    amount: Fen
    class_a: Fen
    class_b: Fen
    own: Fen
    other: Fen


@dataclass(frozen=True, slots=True)
class PersonClaim:
    """Who the list says the patient is; None where it does not say."""

    name: str | None = None
    gender: str | None = None
    birth: date | None = None
    document_number: str | None = None


@dataclass(frozen=True, slots=True)
class ListClaims:
    """What a list says that the platform knows itself; None where the list does not carry it."""

    settlement: PoolKey
    visit: str
    member: str | None
    person: PersonClaim
    begin: date | None
    """``setl_begn_date``."""
    end: date | None
    admitted: date | None
    discharged: date | None
    account: Fen | None
    cash: Fen | None
    self_paid: Fen | None
    """``psn_selfpay``: the person's part inside the scope."""
    own_paid: Fen | None
    """``psn_ownpay``: the person's part outside of it."""
    funds: tuple[tuple[str, Fen], ...] | None
    items: tuple[ItemClaim, ...] | None
    diagnoses: tuple[str, ...]
    main_diagnoses: int


@dataclass(frozen=True, slots=True)
class UploadList:
    """Upload the list of a settlement (4101, 4101A); replaces one that is not submitted."""

    institution: str
    transaction: str
    claims: ListClaims
    content: Mapping[str, Any]
    state: ListState = ListState.OPEN


@dataclass(frozen=True, slots=True)
class ChangeListStates:
    """Submit lists, or take submissions back (4102); all of them or none."""

    institution: str
    changes: tuple[tuple[PoolKey, str | None, ListState], ...]
    """Settlement, member where it is said, and the state wanted."""


@dataclass(frozen=True, slots=True)
class ListFacts:
    """One version of a list."""

    key: PoolKey
    """Number of the list, the same in all versions."""
    settlement: PoolKey
    version: int
    institution: str
    member: str
    settled_on: date
    care_kind: str
    state: ListState
    document: PoolKey
    findings: tuple[QualityFinding, ...]
    changed_at: datetime
