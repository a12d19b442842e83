"""A clerk's proposal, what kinds there are, and the office that carries one out."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.platform.commands.model import Unit
from yibao.platform.crypto import Vault
from yibao.registry.service import ReferenceCache
from yibao.settlement.service import SettlementRoom


class ProposalState(StrEnum):
    """How far a proposal has come."""

    PROPOSED = "proposed"
    DONE = "done"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Office:
    """What carrying out a proposal needs beside the unit."""

    references: ReferenceCache
    vault: Vault
    room: SettlementRoom


@dataclass(frozen=True, slots=True)
class Proposal:
    """Something a clerk wants done, and what became of it (经办业务单)."""

    key: PoolKey
    kind: str
    content: Mapping[str, Any]
    """Plain JSON, by the fields of its kind; money is text in yuan ("12.30")."""
    reason: str
    proposed_by: str
    """Code of the clerk."""
    proposed_at: datetime
    state: ProposalState = ProposalState.PROPOSED
    decided_by: str | None = None
    """Of a kind with four eyes never the one who proposed it; known while it is carried out."""
    decided_at: datetime | None = None
    remark: str | None = None
    """Why it was rejected; the approver's word where a kind asks for one."""
    result: Mapping[str, Any] | None = None
    """What carrying it out came to; plain JSON."""
    refused: str | None = None
    """Why the last approval could not be carried out; the proposal stayed open."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a kind's content."""

    name: str
    title: str
    """Chinese, as a clerk reads it."""
    parse: Callable[[str], Any]
    """From text to the JSON value kept; ValueError tells in Chinese what is wrong."""
    required: bool = True


Execute = Callable[[Unit, Office, Mapping[str, Any], Proposal], Awaitable[Mapping[str, Any]]]
"""Does what the content says, inside the unit's transaction, and tells the result (plain JSON).
Raises Refused when it cannot be done; then nothing has changed and the proposal stays open."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of business that clerks do."""

    name: str
    """``subject.verb``, e.g. ``clearing.pay``."""
    title: str
    """The Chinese term."""
    fields: tuple[Field, ...]
    execute: Execute
    pool_of: Callable[[Mapping[str, Any]], Pool]
    """The pool whose unit carries it out."""
    four_eyes: bool = True
    """Whether a second clerk must agree (双人复核)."""
