"""A charge batch and a classified line as the room works on them."""

from collections.abc import Mapping
from typing import NamedTuple

from yibao.adjudication.model import ChargedLine, ItemTerms, LineSplit, Sums
from yibao.kernel.areas import Division
from yibao.kernel.frozen import Frozen, replace
from yibao.policy.terms import CareKind, Level, Scheme
from yibao.settlement.model import DEFAULT_PRACTICE, LineFacts, Practice

OTHER_CHARGES = "14"
"""Charge type (``med_chrgitm_type``) of what the catalogue does not know."""


class Basis(Frozen):
    """What the classification of a batch's lines depended on; when it differs, classify again."""

    scheme: Scheme
    care_kind: CareKind
    level: Level
    area: Division
    catalogue: int
    """Catalogue version."""
    practice: Practice = DEFAULT_PRACTICE
    """Without its tolerance, on which no split depends."""


def classifying(practice: Practice) -> Practice:
    """A practice as far as lines are classified by it."""
    return replace(
        practice,
        line_tolerance=DEFAULT_PRACTICE.line_tolerance,
        serials=DEFAULT_PRACTICE.serials,
    )


class Classified(Frozen):
    """A line with its split and what that stood on."""

    facts: LineFacts
    terms: ItemTerms
    approved: bool | None
    """What the hospital's approval meant; None: none was needed."""

    @property
    def charged(self) -> ChargedLine:
        """The line as adjudication sees it."""
        line = self.facts.line
        return ChargedLine(line.amount, line.price, line.quantity, self.approved)

    @property
    def split(self) -> LineSplit:
        """The four parts."""
        facts = self.facts
        return LineSplit(
            facts.own, facts.over_limit, facts.first_pay, facts.in_scope, facts.hospital
        )


class Booked(NamedTuple):
    """A classified line in its place."""

    line: Classified
    visit: int
    batch: int
    number: int
    """Its place in the batch."""


class Slot(NamedTuple):
    """What a batch's one place for a living settlement is to hold."""

    visit: int
    batch: int
    settlement: int | None


class ChargeBatch(Frozen):
    """One charge batch (收费批次) of a visit: its lines are settled together."""

    number: int
    visit: int
    label: str
    """The hospital's number (``chrg_bchno``); ``stay-1``, ``stay-2`` … of a stay."""
    institution: str
    withdrawn: bool
    line_count: int
    """Lines that are not withdrawn."""
    next_line: int
    """Place of the next line: withdrawn lines keep theirs."""
    buckets: Mapping[str, Sums]
    basis: Basis
    living_settlement: int | None

    @property
    def sums(self) -> Sums:
        """Sums over all buckets."""
        return sum(self.buckets.values(), Sums())
