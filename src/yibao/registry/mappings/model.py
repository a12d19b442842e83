"""An institution's own items against the national catalogue (目录对照)."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from yibao.kernel.frozen import Frozen
from yibao.kernel.periods import Period

T = TypeVar("T")


class OwnItem(Frozen):
    """What an institution says of one of its items (one row of 3301)."""

    list_type: str
    """目录类别: 101 drugs, 201 services, 301 materials …"""
    code: str
    """The institution's own (``fixmedins_hilist_id``)."""
    name: str
    item: str
    """National code (``med_list_codg``)."""
    begin: date | None
    """First day; None: today, or whenever the same already began."""
    end: date | None
    """Last day; None is open."""
    details: Mapping[str, Any]
    """Further fields as sent, by their official names; plain JSON."""


class OwnItemName(Frozen):
    """Which mapping is meant (one row of 3302); what is None is not compared."""

    code: str
    list_type: str | None
    item: str | None


class UploadMappings(Frozen):
    """Mappings of an institution, all or none (3301)."""

    institution: str
    rows: tuple[OwnItem, ...]


class WithdrawMappings(Frozen):
    """Mappings are taken back as if they had not been made, all or none (3302)."""

    institution: str
    rows: tuple[OwnItemName, ...]


class ItemMapping(Frozen):
    """A mapping as it is known now."""

    number: int
    """Unique on this platform (``rid``)."""
    institution: str
    list_type: str
    own_code: str
    own_name: str
    item: str
    period: Period
    details: Mapping[str, Any]
    recorded_at: datetime


class Page(Frozen, Generic[T]):
    """One page of a long list, and how long the whole list is."""

    rows: Sequence[T]
    total: int
