"""A document as handed in, and as kept. Content holds the nodes and fields as they were sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from yibao.kernel.identifiers import PoolKey

Content = Mapping[str, Any]
"""Nodes by name; a node is a mapping of fields or a list of them, values plain JSON."""


@dataclass(frozen=True, slots=True)
class KeepDocument:
    """Keep what an institution handed in; it stands for an earlier one about the same record."""

    institution: str
    transaction: str
    record: tuple[str, ...]
    """What it is about beside the visit: numbers of reports, orders …; sealed as a hash."""
    content: Content
    visit: PoolKey | None = None
    """The platform's visit; must be one of the institution."""
    member: str | None = None
    """Must exist, and be the visit's when there is one."""
    own_visit: str | None = None
    """The institution's own number of the visit."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document that was kept."""

    key: PoolKey
    institution: str
    transaction: str
    visit: PoolKey | None
    received_at: datetime
    expires_on: date
    """Until when it is needed; nobody may read it longer."""
    content: Content
