"""What people do and what breaks, drawn from one seed. Pure, and plain enough for a file.

The plan is the same for the same seed and sizes, to the last message's fate on the line. Real time
is not: how far a killed server had come differs from run to run, so a run writes down its history.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

from tests.world.line import Fate, Treatment

OCCASIONS_A_SECOND = 6
"""More than a loaded machine lives through; what is left when time is up is not begun."""

LULL, PACE = 4.0, 7.0
"""Seconds before the first breakage, and about how long from one to the next."""


ERRANDS_APART = 2.5
"""About so many seconds lie between two errands of a clerk."""


class Kind(StrEnum):
    """What brings a person."""

    OUTPATIENT = "outpatient"
    STAY = "stay"
    PURCHASE = "purchase"


class Manner(StrEnum):
    """How an institution settles a bill."""

    PLAIN = "plain"
    DOUBLE_CLICK = "double_click"
    """The same message twice at once."""
    TWO_CLICKS = "two_clicks"
    """Two messages for one bill at once."""
    REVERSE_BEFORE = "reverse_before"
    """2601 comes first, then the message it is about."""
    REVERSE_DURING = "reverse_during"
    """Both at once."""
    REVERSE_RETRY = "reverse_retry"
    """The message, and then its repetition and its reversal at once."""
    REVERSE_TWICE = "reverse_twice"
    """Settled, then two reversals at once."""
    REVERSE_NOTHING = "reverse_nothing"
    """A reversal of a message that never comes; then all goes its way."""


class Sequel(StrEnum):
    """What an institution does with a bill that stands."""

    CANCEL = "cancel"
    CANCEL_TWICE = "cancel_twice"
    REVERSE_CANCELLATION = "reverse_cancellation"
    """Cancelled, and the cancellation reversed: it stands again."""
    SETTLE_AGAIN = "settle_again"
    """Cancelled, and settled once more."""
    REPEAT = "repeat"
    """The settling message once more, much later."""
    REVERSE = "reverse"
    """The settling message reversed, much later."""


class Breakage(StrEnum):
    """What breaks."""

    KILL_WORKER = "kill_worker"
    KILL_SERVER = "kill_server"
    KILL_DATABASE = "kill_database"
    KILL_BACKEND = "kill_backend"
    KILL_BOTH = "kill_both"
    RESTART = "restart"
    MIGRATE = "migrate"
    CUT_CONNECTIONS = "cut_connections"
    DEADLOCK = "deadlock"
    FREEZE_WORKER = "freeze_worker"
    FREEZE_DATABASE = "freeze_database"
    SLOW_DISK = "slow_disk"
    FULL_DISK = "full_disk"


@dataclass(frozen=True, slots=True)
class Bill:
    """One bill of one person at one institution, and what is made of it."""

    number: int
    person: int
    place: int
    """Which of the institutions of the person's pool that offer the kind."""
    kind: Kind
    fen: int
    """About what it comes to."""
    lines: int
    use_account: bool
    manner: Manner
    care: int
    """Which way the institution takes from an unknown outcome."""
    sequels: tuple[Sequel, ...]


@dataclass(frozen=True, slots=True)
class Occasion:
    """Bills of one person that are settled at the same moment; mostly one."""

    bills: tuple[Bill, ...]


@dataclass(frozen=True, slots=True)
class Break:
    """Something breaks ``at`` seconds after the start."""

    at: float
    what: Breakage
    seconds: float
    aim: int
    """Which of several it hits."""


class Business(StrEnum):
    """What clerks of the bureau do meanwhile."""

    CREDIT = "credit"
    """A month's credits to all accounts of a pool, by command."""
    LET_PAY = "let_pay"
    """One person's account pays for another."""
    WITHDRAW = "withdraw"
    """And pays no longer."""
    FREEZE = "freeze"
    """An account, for some seconds."""
    CANCEL = "cancel"
    """A settled bill that its institution is through with."""
    RESETTLE = "resettle"
    """Somebody whose bills are flagged."""
    PAPER_BILL = "paper_bill"
    ROTATE = "rotate"
    """The key that seals what is personal; all that was sealed is sealed anew."""


@dataclass(frozen=True, slots=True)
class Errand:
    """Some business of a clerk, ``at`` seconds after the start."""

    number: int
    at: float
    what: Business
    person: int
    other: int
    """Another person, or which of several."""
    fen: int


@dataclass(frozen=True, slots=True)
class Plan:
    """All of it."""

    seed: int
    seconds: float
    persons: int
    occasions: tuple[Occasion, ...]
    breaks: tuple[Break, ...]
    skews: tuple[int, ...]
    """Seconds by which the clock of the n-th institution is wrong."""
    troubled: float
    """Share of requests that do not simply pass."""
    errands: tuple[Errand, ...] = ()

    def treatment(self, message: str, sighting: int) -> Treatment:
        """The fate of the ``sighting``-th request that carries a message."""
        digest = hashlib.sha256(f"{self.seed} {message} {sighting}".encode()).digest()
        draw = Random(digest)
        # a message that failed twice gets through: the world is bad, not hopeless
        if sighting > 2 or draw.random() >= self.troubled:
            return Treatment()
        fate = draw.choice([one for one in Fate if one is not Fate.PASS])
        return Treatment(fate, round(draw.uniform(*_LASTS.get(fate, (0.0, 0.0))), 2))


_LASTS = {
    Fate.LATE: (0.3, 6.0),
    Fate.SLOW_REPLY: (0.2, 2.0),
    Fate.AGAIN_LATER: (0.5, 6.0),
    Fate.OVERTAKEN: (0.05, 0.8),
}

_YUAN = (3, 20, 60, 90, 250, 400, 900, 1_790, 1_810, 2_500, 5_000, 9_000)
_KINDS = {Kind.OUTPATIENT: 70, Kind.STAY: 8, Kind.PURCHASE: 22}
_MANNERS = {
    Manner.PLAIN: 60,
    Manner.DOUBLE_CLICK: 8,
    Manner.TWO_CLICKS: 6,
    Manner.REVERSE_BEFORE: 4,
    Manner.REVERSE_DURING: 8,
    Manner.REVERSE_RETRY: 6,
    Manner.REVERSE_TWICE: 4,
    Manner.REVERSE_NOTHING: 4,
}
_SKEWS = (0, 0, 0, 0, 20, -45, 300, -700, 850, -1_500, 4_000)
_SECONDS = {
    Breakage.FREEZE_WORKER: (0.5, 4.0),
    Breakage.FREEZE_DATABASE: (0.5, 4.0),
    Breakage.SLOW_DISK: (2.0, 5.0),
    Breakage.FULL_DISK: (1.0, 4.0),
    Breakage.DEADLOCK: (1.0, 3.0),
}


def drawn(
    seed: int,
    *,
    seconds: float,
    persons: int,
    breakages: Sequence[Breakage] = tuple(Breakage),
    pace: float = PACE,
    troubled: float = 0.12,
    errands_apart: float = ERRANDS_APART,
) -> Plan:
    """The plan of a seed; ``pace`` are the seconds from breakage to breakage.

    ``errands_apart``: seconds from errand to errand of a clerk; 0: no clerk works.
    """
    draw = Random(seed)
    maker = _Maker(draw, persons)
    return Plan(
        seed=seed,
        seconds=seconds,
        persons=persons,
        occasions=tuple(maker.occasion() for _ in range(int(seconds * OCCASIONS_A_SECOND))),
        breaks=_breaks(draw, seconds, breakages, pace),
        skews=tuple(draw.choice(_SKEWS) for _ in range(16)),
        troubled=troubled,
        errands=_errands(Random(f"errands {seed}"), seconds, persons, errands_apart),
    )


class _Maker:
    """Draws occasions one after the other."""

    def __init__(self, draw: Random, persons: int) -> None:
        self._draw = draw
        self._persons = persons
        self._bills = 0

    def occasion(self) -> Occasion:
        draw = self._draw
        person = draw.randrange(self._persons)
        at_once = draw.choices((1, 2, 3), (6, 3, 1))[0]
        first = self._bill(person)
        # who lies in a hospital has no second stay beside it
        others = [self._bill(person, not_a_stay=True) for _ in range(at_once - 1)]
        return Occasion((first, *others))

    def _bill(self, person: int, *, not_a_stay: bool = False) -> Bill:
        draw, self._bills = self._draw, self._bills + 1
        kinds = {kind: share for kind, share in _KINDS.items() if not not_a_stay or kind != "stay"}
        kind = draw.choices(list(kinds), list(kinds.values()))[0]
        manner = draw.choices(list(_MANNERS), list(_MANNERS.values()))[0]
        if kind is Kind.PURCHASE and manner is Manner.TWO_CLICKS:
            manner = Manner.PLAIN  # two baskets are two purchases
        return Bill(
            number=self._bills,
            person=person,
            place=draw.randrange(60),
            kind=kind,
            fen=draw.choice(_YUAN) * 100 * (3 if kind is Kind.STAY else 1) + draw.randrange(300),
            lines=draw.randint(1, 3),
            use_account=draw.random() < 0.7,
            manner=manner,
            care=draw.randrange(60),
            sequels=self._sequels(),
        )

    def _sequels(self) -> tuple[Sequel, ...]:
        draw = self._draw
        if draw.random() < 0.6:
            return ()
        return tuple(draw.choice(list(Sequel)) for _ in range(draw.choice((1, 1, 2, 3))))


def _breaks(
    draw: Random, seconds: float, breakages: Sequence[Breakage], pace: float
) -> tuple[Break, ...]:
    """Each kind once before any comes again, so that short runs see many."""
    found: list[Break] = []
    waiting: list[Breakage] = []
    at = LULL
    while breakages and at < seconds:
        if not waiting:
            waiting = draw.sample(list(breakages), len(breakages))
        what = waiting.pop()
        lasts = round(draw.uniform(*_SECONDS.get(what, (0.0, 0.0))), 2)
        found.append(Break(round(at, 2), what, lasts, draw.randrange(60)))
        at += draw.uniform(0.3, 1.7) * pace
    return tuple(found)


def _errands(draw: Random, seconds: float, persons: int, apart: float) -> tuple[Errand, ...]:
    """Families first, so that their accounts pay from early on; then each kind in turn."""
    found: list[Errand] = []
    waiting = [Business.LET_PAY] * 3
    at = 0.5
    while apart and at < seconds:
        if not waiting:
            waiting = draw.sample(list(Business), len(Business)) + [Business.CANCEL] * 2
        what, fen = waiting.pop(), draw.choice(_YUAN) * 100
        person, other = draw.randrange(persons), draw.randrange(persons)
        found.append(Errand(len(found) + 1, round(at, 2), what, person, other, fen))
        at += draw.uniform(0.3, 1.7) * apart
    return tuple(found)


# ---------------------------------------------------------------------------------- smaller plans


def only(plan: Plan, occasions: Sequence[Occasion], breaks: Sequence[Break]) -> Plan:
    """The same world with less in it."""
    return replace(plan, occasions=tuple(occasions), breaks=tuple(breaks))
