"""The deductible (起付线) due with a bill: the least that any of the law's limits leaves."""

from typing import NamedTuple

from yibao.adjudication.applicable import FoundLimit
from yibao.adjudication.counters import ReadCounter
from yibao.kernel.money import Fen


class LimitState(NamedTuple):
    """A limit as a bill meets it."""

    found: FoundLimit
    used: Fen
    left: Fen | None
    """None: the law says that there is no limit."""


class DeductibleDecision(NamedTuple):
    """The deductible paid with a bill, and the limits that decided it."""

    paid: Fen
    limits: tuple[LimitState, ...]


def limit_state(found: FoundLimit, used: Fen) -> LimitState:
    """What is left of a limit."""
    amount = found.amount.value
    if amount is None:
        return LimitState(found, used, None)
    # never negative: 1,800 paid while active against 1,300 of a retired person gives nothing back
    return LimitState(found, used, amount - used if used < amount else 0)


def decide_deductible(
    limits: tuple[FoundLimit, ...], in_scope: Fen, read: ReadCounter
) -> DeductibleDecision:
    """The deductible of a bill; 0 where the law has none."""
    states = tuple([limit_state(found, read(found.limit.counter)) for found in limits])
    due = [state.left for state in states if state.left is not None]
    return DeductibleDecision(min(in_scope, *due) if due else 0, states)
