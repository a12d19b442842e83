"""Which law counts: the packaged ones below, releases above, chosen by the day of the bill."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from yibao.kernel.areas import Division
from yibao.policy.law_book import LawBook
from yibao.policy.model import Law
from yibao.policy.terms import Scheme


class ReleaseState(StrEnum):
    """How far a release has come."""

    PROPOSED = "proposed"
    """Checked, and waiting for the second person."""
    RELEASED = "released"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Release:
    """A pointer: from a day on, bills of area and scheme are decided by this law (规则发布)."""

    number: int
    area: Division
    scheme: Scheme
    fingerprint: str
    effective_from: date
    """First day of bills that it is for; may lie in the future or in the past."""
    reason: str
    cases: int
    """How many published cases came out when it was proposed."""
    proposed_by: str
    proposed_at: datetime
    released_by: str | None = None
    released_at: datetime | None = None
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None
    withdrawn_because: str | None = None

    @property
    def state(self) -> ReleaseState:
        """Whether it counts."""
        if self.withdrawn_at is not None:
            return ReleaseState.WITHDRAWN
        return ReleaseState.PROPOSED if self.released_at is None else ReleaseState.RELEASED


@dataclass(frozen=True, slots=True)
class ReleasedLaw:
    """A law that counts from a day on."""

    effective_from: date
    law: Law


@dataclass(frozen=True, slots=True)
class LawsInForce:
    """One version of everything that bills are decided by: packaged laws and releases."""

    version: int
    packaged: LawBook
    released: Mapping[tuple[Division, Scheme], tuple[ReleasedLaw, ...]]
    """Those that count, latest ``effective_from`` first; of one day the last released first."""

    def law_on(self, division: str, scheme: Scheme, day: date) -> Law:
        """The law for bills of ``day`` of persons insured in a division.

        The nearest area that has one (the division's own, its city's, its province's); there the
        release that began last, else the packaged law. Refused: PARAMETER_MISSING when none is at
        hand.
        """
        for area in (division, f"{division[:4]}00", f"{division[:2]}0000"):
            key = (Division(area), scheme)
            for released in self.released.get(key, ()):
                if released.effective_from <= day:
                    return released.law
            law = self.packaged.laws.get(key)
            if law is not None:
                return law
        return self.packaged.law_on(division, scheme, day)

    def knows(self, area: Division, scheme: Scheme) -> bool:
        """Whether an area has a law of its own."""
        return (area, scheme) in self.packaged.laws or (area, scheme) in self.released

    def beside(self, area: Division, day: date) -> dict[tuple[Division, Scheme], Law]:
        """The laws of an area itself, by scheme, that count on a day."""
        schemes = {key[1] for key in (*self.released, *self.packaged.laws) if key[0] == area}
        found = {(area, scheme): self.law_on(area, scheme, day) for scheme in sorted(schemes)}
        return {key: law for key, law in found.items() if law.area == area}

    def turning_days(self, area: Division) -> tuple[date, ...]:
        """The days on which a law of an area begins to count by a release, earliest first."""
        days = {
            released.effective_from
            for (its_area, _), laws in self.released.items()
            if its_area == area
            for released in laws
        }
        return tuple(sorted(days))

    def by_fingerprint(self, fingerprint: str) -> Law | None:
        """The law with a fingerprint, if it is packaged or counts by a release."""
        for laws in self.released.values():
            for released in laws:
                if released.law.fingerprint == fingerprint:
                    return released.law
        return self.packaged.by_fingerprint(fingerprint)
