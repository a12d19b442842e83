"""A human who may act for another."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from yibao.kernel.frozen import Frozen
from yibao.kernel.periods import Period


class RepresentativeKind(StrEnum):
    """As what somebody acts for another."""

    RELATIVE = "relative"
    """亲属, by the represented person's consent."""
    GUARDIAN = "guardian"
    """监护人, of a minor or of somebody who cannot consent."""
    AGENT = "agent"
    """代办人, named for a purpose."""


class Act(StrEnum):
    """What may be done for another."""

    SHOW_CODE = "show_code"
    """Show the other's electronic credential (出示医保码)."""
    INQUIRE = "inquire"
    """Ask after bills, accounts and filings (查询)."""
    FILE = "file"
    """File on the other's behalf (代办备案)."""


class Representation(Frozen):
    """Somebody acts for somebody: acts for, not pays for."""

    number: int
    represented: int
    """The human who is acted for."""
    representative: int
    """The human who acts."""
    kind: RepresentativeKind
    acts: tuple[Act, ...]
    period: Period


class NewRepresentation(Frozen):
    """A representation to be made, agreed to by the represented person or a guardian."""

    represented: int
    representative: int
    kind: RepresentativeKind
    acts: tuple[Act, ...]
    period: Period
    consented_by: int
    """The human who agreed: the represented, or a guardian."""
    consent: Mapping[str, Any]
    """How and when; plain JSON."""
