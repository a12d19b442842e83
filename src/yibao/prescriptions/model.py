"""Electronic prescriptions (电子处方): what a doctor wrote, and all that happened to it since.

A prescription is a fact, and so is each event of its life; its state is read off them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Quantity


class Drug(NamedTuple):
    """A drug by its national code, and how much of it (1/10,000 of its unit)."""

    item: str
    quantity: Quantity


class State(StrEnum):
    """Where a prescription is in its life."""

    CHECKED = "checked"
    """Pre-checked (预核验): it has its numbers."""
    SIGNED = "signed"
    UPLOADED = "uploaded"
    """Waits for a pharmacist's review (审方)."""
    VALID = "valid"
    """Reviewed and passed: a pharmacy may take it."""
    LOCKED = "locked"
    """A pharmacy has taken (downloaded) it; no other may."""
    DISPENSING = "dispensing"
    """Part of it was handed out."""
    DISPENSED = "dispensed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    """Its validity passed before all was handed out."""


class EventKind(StrEnum):
    """What may happen to a prescription."""

    SIGNED = "signed"
    UPLOADED = "uploaded"
    REVIEW_PASSED = "review_passed"
    REVIEW_FAILED = "review_failed"
    TAKEN = "taken"
    PHARMACY_PASSED = "pharmacy_passed"
    PHARMACY_FAILED = "pharmacy_failed"
    """The pharmacist will not hand it out; another pharmacy may take it."""
    PARTLY_DISPENSED = "partly_dispensed"
    DISPENSED = "dispensed"
    WITHDRAWN = "withdrawn"
    BILLED = "billed"
    """What it cost was told (7103); changes no state, as the two below."""
    PAID = "paid"
    DELIVERED = "delivered"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened."""

    kind: EventKind
    institution: str
    recorded_at: datetime
    drugs: tuple[Drug, ...] = ()
    """Handed out."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Nothing that names a person."""


@dataclass(frozen=True, slots=True)
class Prescription:
    """A prescription as it stands; its full content is kept sealed."""

    key: PoolKey
    """Its text is the ``hi_rxno``."""
    institution: str
    """Who prescribed."""
    member: str
    visit: PoolKey
    hospital_number: str
    """``hosp_rxno``."""
    edition: int
    addressee: str | None
    """The only pharmacy that may take it; None: any."""
    prescribed_at: datetime
    valid_until: datetime
    drugs: tuple[Drug, ...]
    recorded_at: datetime
    events: tuple[Event, ...] = ()


# ---------------------------------------------------------------------------------------- requests


@dataclass(frozen=True, slots=True)
class Issue:
    """Issue a prescription: pre-check it (D001), or upload it in one go (7101)."""

    institution: str
    member: str
    visit: PoolKey
    hospital_number: str
    addressee: str | None
    prescribed_at: datetime
    valid_until: datetime
    drugs: tuple[Drug, ...]
    patient_name: str | None
    document_number: str | None
    events: tuple[EventKind, ...]
    """What has happened to it with the same message."""
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sign:
    """Sign the prescription's file (医保电子签名, D002)."""

    institution: str
    prescription: PoolKey
    value: str
    """What is to be signed, as sent."""
    file: str


@dataclass(frozen=True, slots=True)
class Upload:
    """Upload the signed file (电子处方上传, D003)."""

    institution: str
    prescription: PoolKey
    visit: str | None
    patient_name: str | None
    document_number: str | None
    file: str
    signature: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """Tell what happened to a prescription: review, withdrawal, bill, payment, delivery."""

    institution: str
    prescription: PoolKey
    kind: EventKind
    hospital_number: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    content: Mapping[str, Any] = field(default_factory=dict)
    """What names people; kept sealed."""


@dataclass(frozen=True, slots=True)
class Take:
    """Take a prescription to hand it out (下载, 7203): no other pharmacy may then."""

    institution: str
    prescription: PoolKey


@dataclass(frozen=True, slots=True)
class Dispense:
    """Hand out drugs of a prescription (核销, 7206)."""

    institution: str
    prescription: PoolKey
    drugs: tuple[Drug, ...]
    download_code: str | None
    details: Mapping[str, Any] = field(default_factory=dict)
    content: Mapping[str, Any] = field(default_factory=dict)
