"""A bill that would be settled differently today."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen
from yibao.kernel.refusals import Refusal
from yibao.policy.terms import CareKind, Scheme

LAW = "law"
"""Cause: another law decides."""
COUNTERS = "counters"
"""Cause: an earlier bill of the person changed, and this one depends on it."""
CATALOGUE = "catalogue"
"""Cause: the terms of an item on the day of its fee are others."""
ENROLMENT = "enrolment"
"""Cause: the person is not enrolled on the day any more."""


@dataclass(frozen=True, slots=True)
class Affected:
    """A living settlement with its amounts as settled and as they would be."""

    settlement: PoolKey
    member: str
    institution: str
    scheme: Scheme
    care_kind: CareKind
    day: date
    causes: tuple[str, ...]
    """``law``, ``counters``, ``catalogue``, or the facts that are known otherwise now."""
    settled: Mapping[str, Fen]
    again: Mapping[str, Fen]
    """Empty where the bill would be refused."""
    refusal: Refusal | None = None

    @property
    def differences(self) -> dict[str, Fen]:
        """What each amount would change by: funds by code, ``personal``, ``account``, ``cash`` …"""
        if self.refusal is not None:
            return {}
        names = dict.fromkeys((*self.settled, *self.again))
        changes = {name: self.again.get(name, 0) - self.settled.get(name, 0) for name in names}
        return {name: change for name, change in changes.items() if change}
