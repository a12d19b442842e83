"""Limits (起付线、封顶线) as a bill meets them, and the deductible that they make due."""

from collections.abc import Sequence

from yibao.adjudication.bands import Exact
from yibao.adjudication.counters import Counters
from yibao.adjudication.model import Bill
from yibao.adjudication.plan import FoundLimit
from yibao.kernel.frozen import Frozen
from yibao.kernel.money import Fen


class LimitState(Frozen):
    """A limit as a bill meets it. Fen, or times where its counter counts times."""

    found: FoundLimit
    height: Fen | None
    """With everything that raises it; None: the law says that there is no limit."""
    used: int
    left: int | None


class DeductibleDecision(Frozen):
    """The deductible paid of a base, and the limits that decided it."""

    paid: Exact
    limits: tuple[LimitState, ...]


NO_DEDUCTIBLE = DeductibleDecision(0, ())


def height_of(found: FoundLimit, bill: Bill) -> Fen | None:
    """A limit's height for a bill: due again after so many days, raised by further diseases."""
    height = found.height
    if height is None or (found.every_days is None and found.further is None):
        return height
    if found.every_days is not None and found.every_days.value is not None:
        height *= -(-bill.days // found.every_days.value)
    if found.further is not None and found.further.value is not None:
        height += found.further.value * bill.further_diseases
    return height


def limit_state(
    found: FoundLimit, bill: Bill, counters: Counters, *, before: bool = False
) -> LimitState:
    """What is left of a limit; ``before``: measured without this bill."""
    height = height_of(found, bill)
    counter = found.limit.counter
    if height is None:
        return LimitState(found, None, counters.value(counter), None)
    used, left = counters.left(counter, height, before=before)
    return LimitState(found, height, used, left)


def decide_deductible(
    limits: Sequence[FoundLimit], base: Exact, bill: Bill, counters: Counters
) -> DeductibleDecision:
    """The deductible of a base: the least that any limit leaves; 0 where the law has none."""
    if not limits:
        return NO_DEDUCTIBLE
    least: int | None = None
    states = []
    for found in limits:
        state = limit_state(found, bill, counters)
        states.append(state)
        if state.left is not None and (least is None or state.left < least):
            least = state.left
    return DeductibleDecision(0 if least is None else min(base, least), tuple(states))
