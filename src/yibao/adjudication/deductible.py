"""The deductible (起付线) due with a bill: the least that any of the law's limits leaves."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from yibao.adjudication.counters import ReadCounter
from yibao.kernel.money import Fen
from yibao.policy.model import Case, Found, Limit


class LimitState(NamedTuple):
    """A limit as a bill meets it."""

    limit: Limit
    amount: Found[Fen | None]
    used: Fen
    left: Fen | None
    """None: the law says that there is no limit."""


class DeductibleDecision(NamedTuple):
    """The deductible paid with a bill, and the limits that decided it."""

    paid: Fen
    limits: tuple[LimitState, ...]


def limit_state(limit: Limit, used: Fen, day: date, case: Case) -> LimitState:
    """What is left of a limit. Refused: PARAMETER_MISSING."""
    amount = limit.amount.find(day, case)
    # never negative: 1,800 paid while active against 1,300 of a retired person gives nothing back
    left = None if amount.value is None else max(0, amount.value - used)
    return LimitState(limit, amount, used, left)


def decide_deductible(
    limits: Sequence[Limit], in_scope: Fen, day: date, case: Case, read: ReadCounter
) -> DeductibleDecision:
    """The deductible of a bill; 0 where the law has none. Refused: PARAMETER_MISSING."""
    states = tuple([limit_state(limit, read(limit.counter), day, case) for limit in limits])
    due = [state.left for state in states if state.left is not None]
    return DeductibleDecision(min(in_scope, *due) if due else 0, states)
