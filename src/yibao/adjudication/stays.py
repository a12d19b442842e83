"""Which stays belong together (``[stays]``): referrals, readmissions, emergency before admission.

Stays of one chain share the counters of scope ``chain``: a transfer up pays the difference of the
deductibles, one down nothing, a readmission none anew.
"""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from yibao.policy.model import Law
from yibao.policy.parameters import Case, Found, Parameter


class Stay(NamedTuple):
    """A stay, or the emergency care before one, as far as chains are concerned."""

    visit: str
    institution: str
    begin: date
    """Admission, or the day of emergency care."""
    end: date | None = None
    """Discharge; None while the person is in hospital."""
    chain: str | None = None
    """The chain it belongs to; None: one of its own, named by its visit."""
    referred: bool = False
    """It follows a transfer between hospitals (转诊)."""
    emergency: bool = False
    """It is emergency care without admission (急诊)."""


class Chained(NamedTuple):
    """The chain of a stay, and why."""

    chain: str
    reason: str
    """``referral``, ``readmission``, ``emergency``, or ``own``: it begins a chain."""
    days: int
    """Days since the stay that it continues."""
    found: Found[int | None] | None


def chain_of(stay: Stay, before: Iterable[Stay], law: Law, case: Case) -> Chained:
    """The chain that a stay continues, the latest stay first; or its own.

    Refused: PARAMETER_MISSING when the law has rules of stays that do not say.
    """
    own = Chained(stay.visit, "own", 0, None)
    if law.stays is None:
        return own
    earlier = [s for s in before if s.visit != stay.visit and s.begin <= stay.begin]
    for previous in sorted(earlier, key=_ended, reverse=True):
        reason, rule = _relation(stay, previous, law)
        if rule is None:
            continue
        found = rule.find(stay.begin, case)
        days = (stay.begin - _ended(previous)).days
        if found.value is not None and days <= found.value:
            return Chained(previous.chain or previous.visit, reason, max(0, days), found)
    return own


def _ended(stay: Stay) -> date:
    """The day from which the days to the next stay are counted; emergency care has only one."""
    return stay.begin if stay.emergency or stay.end is None else stay.end


def _relation(stay: Stay, previous: Stay, law: Law) -> tuple[str, Parameter[int | None] | None]:
    """How a stay could continue another one, and the parameter that says within how many days."""
    rules = law.stays
    assert rules is not None
    if previous.emergency:
        return "emergency", None if stay.emergency else rules.emergency_days
    if stay.emergency:
        return "own", None
    if stay.institution == previous.institution:
        return "readmission", rules.readmission_days
    return "referral", rules.referral_days if stay.referred else None
