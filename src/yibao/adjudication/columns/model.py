"""Bills as columns, and what the law makes of them. Amounts are int64 fen, days int32 yyyymmdd.

One row is one bill. Rows are sorted by person, and within a person by time. Facts with few values
are small-integer codes into a list of words; a law places each word in a class once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Fens = NDArray[np.int64]
Codes = NDArray[np.uint16]
Days = NDArray[np.int32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Coded:
    """A fact as codes into its words: ``words[codes[row]]`` is the row's fact.

    A word is what the scalar ``Bill`` holds: text, or a tuple of texts (identities, traits …).
    """

    codes: Codes
    words: Sequence[Any]

    @classmethod
    def of(cls, word: Any, rows: int) -> "Coded":
        """The same word in every row."""
        return cls(np.zeros(rows, np.uint16), [word])


@dataclass(frozen=True, slots=True)
class SumColumns:
    """The sums of one bucket (``Sums``), a column a part; total is their sum."""

    own: Fens
    over_limit: Fens
    first_pay: Fens
    in_scope: Fens
    hospital: Fens | None = None


@dataclass(frozen=True, slots=True)
class LineColumns:
    """The fee lines of a block of bills, all bills' lines one after the other."""

    first: NDArray[np.int64]
    """Index of each bill's first line; one more entry than bills."""
    amount: Fens
    price: NDArray[np.int64]
    quantity: NDArray[np.int64]
    terms: Codes
    """Code of the line's catalogue terms and approval in ``words``: (ItemTerms, approved)."""
    words: Sequence[Any]


@dataclass(frozen=True, slots=True)
class BillColumns:
    """A block of bills: whole persons only, sorted by person and time."""

    person: NDArray[np.int64]
    """Equal numbers are one person; never falling."""
    day: Days
    care_kind: Coded
    person_type: Coded
    birth: Days
    level: Coded
    """(level, is_pharmacy) pairs as words."""
    sums: Mapping[str, SumColumns]
    """By bucket; a bucket a bill has no lines of is all zero there. A bill has the buckets in which
    something stands, or else the general one."""
    optional: Mapping[str, Any]
    """Facts that not every population carries, by the name of the ``Bill``/``Person`` field:
    ``Coded`` for gender, identities, entitlement, traits, enrolments, place, filing, circumstances,
    disease; int32 arrays for retired_on, begin (yyyymmdd, 0 none), enrolled_years,
    claim_free_years (−1 none), days, months, further_diseases; int64 arrays for visit, chain
    (−1: a visit of its own); bool for fixed_price. Absent: the scalar type's default."""
    lines: LineColumns | None = None
    """Only where the sums are to be made anew under a law's line rules."""

    def __len__(self) -> int:
        return len(self.person)


@dataclass(frozen=True, slots=True)
class Decided:
    """What a law made of a block of bills, a row a bill; no personal account (it moves no fund)."""

    deductible: Fens
    payments: Mapping[str, Fens]
    """By the payer's path in the law (``Payment.payer``)."""
    funds: Fens
    hospital_part: Fens
    personal: Fens
    in_scope: Fens
    bases: Mapping[str, Fens]
    """By payer's path: the base it worked on, rounded (over the critical-illness line or not)."""
    refused: Mapping[int, str]
    """Rows that are refused, with the missing parameter's name or the refusal's code; all their
    amounts are 0."""
    by_scalar: int = 0
    """Rows that the scalar engine decided, because columns do not carry what they need."""
