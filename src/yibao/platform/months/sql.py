"""The condition by which a statement names the months that its numbers lie in.

PostgreSQL leaves the other months alone while it plans when their edges stand in the text. From
parameters it cannot tell in a plan that it keeps: `= ANY ($2)` would be looked up in every month
that there is, and each of them be locked.
"""

from collections.abc import Collection

from yibao.kernel.identifiers import SEQUENCE_BITS, WRITER_BITS
from yibao.platform.months.model import edges_of_hour

_HOUR = 3_600_000 << (WRITER_BITS + SEQUENCE_BITS)
DAY = 24 * _HOUR
"""A day in numbers: none is given later than that after its transaction began."""

_MOST_MONTHS = 3
_LONGEST = 31 * DAY


def within(column: str, numbers: Collection[int]) -> str:
    """``column`` lies in the months of these numbers: a condition for a WHERE.

    Numbers that lie far apart give no condition: a text for each two months would crowd prepared
    statements out.
    """
    if not numbers:
        return "FALSE"
    first, _ = edges_of_hour(min(numbers) // _HOUR)
    _, end = edges_of_hour(max(numbers) // _HOUR)
    if end - first > _MOST_MONTHS * _LONGEST:
        return "TRUE"
    return f"{column} >= {first} AND {column} < {end}"


def since(column: str, number: int) -> str:
    """``column`` lies in the month of a number or later: for what was done after it.

    Whoever did it may have begun, and got a number, before: months begin a day earlier here.
    """
    first, _ = edges_of_hour(max(0, number - DAY) // _HOUR)
    return f"{column} >= {first}"
