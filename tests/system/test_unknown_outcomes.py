"""Whatever a reversal meets, the message it is about ends undone, once; and nobody stays unsure.

Over HTTP to a real server with two workers. Each row: 2601 before its message, with it, after it,
twice, for one that never came, and crossing a retry; then the client's ``make_sure`` on a bad line.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.world.chronicle import Chronicle
from tests.world.institution import Institution
from tests.world.line import Fate, Line, Treatment
from tests.world.messages import CANCELS, SETTLES, Paper, charges_of
from tests.world.plan import Bill, Kind, Manner
from tests.world.server import Pristine, Served
from yibao.client import CAREFUL, Answer, CallOutcome, Care, Ending, Send, follow, made_sure
from yibao.kernel.refusals import RefusalCode
from yibao.platform.database import Database
from yibao.sandbox.institution import patient_from, price_list_from
from yibao.sandbox.traffic import endpoint_from

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("unknown outcomes")]

TRANSACTIONS = ("2102", "2103", "2207", "2208", "2304", "2305", "2401")
KINDS = {number: kind for kind in Kind for number in (SETTLES[kind], CANCELS[kind])}
KINDS["2401"] = Kind.STAY
FENCED = RefusalCode.MESSAGE_REVERSED

_scenes = count()


class Effect(NamedTuple):
    """What a person's messages have come to."""

    total: int
    """Fen of all settlements and cancellations."""
    standing: int
    """Settlements that stand."""
    stays: int
    """Stays that were not taken back."""


NOTHING = Effect(0, 0, 0)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, pristine: Pristine) -> Iterator[Served]:
    """A running sandbox with two workers."""
    server = Served(pristine.copy_to(tmp_path_factory.mktemp("unknown") / "data"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def accounts(served: Served) -> Any:
    """Who there is."""
    return served.accounts(400)


class Scene:
    """A fresh person at an institution, brought to where a transaction may be sent."""

    def __init__(self, number: str, institution: Institution, paper: Paper, database: Database):
        self.number = number
        self._at = institution
        self._paper = paper
        self._database = database
        self.content: dict[str, Any] = {}
        self.before = NOTHING

    async def send(self, message: str, number: str = "", content: Any = None) -> Answer:
        """Send the transaction, or another, under a message id."""
        return await self._at.send(
            number or self.number, content or self.content, self._paper.patient, 0, message
        )

    async def reverse(self, message: str, reversal: str = "") -> Answer:
        """2601 for a message."""
        content = self._paper.reversal(self.number, message)
        return await self.send(reversal or self.new_id(), "2601", content)

    async def make_sure(self, care: Care) -> Any:
        """The client's way with an unknown outcome."""

        async def send(step: Send) -> Answer:
            return await self.send(step.message_id or self.new_id(), step.infno, step.content)

        return await follow(made_sure(Send(self.number, self.content, self.new_id()), care), send)

    def new_id(self) -> str:
        """An id for a message."""
        return self._at.message_id(self._paper.bill.number)

    async def effect(self) -> Effect:
        """What the platform's books say of the person."""
        async with self._database.reader(None) as connection:
            row = await connection.fetchrow(
                """SELECT coalesce(sum(total), 0)::bigint,
                          (SELECT count(*) FROM settlement.visible_batch AS batch
                           JOIN settlement.visible_visit AS visit
                             ON visit.pool = batch.pool AND visit.id = batch.visit
                           WHERE visit.member = $1 AND batch.living_settlement IS NOT NULL),
                          (SELECT count(*) FROM settlement.visible_visit
                           WHERE member = $1 AND kind = 'stay' AND state <> 'cancelled')
                   FROM settlement.visible_settlement WHERE member = $1""",
                self._paper.patient.number,
            )
        return Effect(*row)

    async def prepare(self) -> None:
        """Everything up to the transaction."""
        paper = self._paper
        if self.number == "2401":
            self.content = paper.admission()
        elif KINDS[self.number] is Kind.PURCHASE:
            self.content = paper.purchase()
        else:
            self.content = await self._with_lines()
        if self.number in CANCELS.values():
            settles = SETTLES[KINDS[self.number]]
            info = (await self.done(settles, self.content))["setlinfo"]
            self.content = paper.cancellation(info["mdtrt_id"], info["setl_id"])
        self.before = await self.effect()

    async def _with_lines(self) -> dict[str, Any]:
        paper = self._paper
        if KINDS[self.number] is Kind.STAY:
            visit = (await self.done("2401", paper.admission()))["result"]["mdtrt_id"]
            lines = await self.done("2301", paper.lines(visit))
            await self.done("2402", paper.discharge(visit))
        else:
            visit = (await self.done("2201", paper.registration()))["data"]["mdtrt_id"]
            await self.done("2203", paper.description(visit))
            lines = await self.done("2204", paper.lines(visit))
        return paper.settlement(visit, lines["result"])

    async def done(self, number: str, content: Any) -> Any:
        """Send what must be done."""
        return (await self.send(self.new_id(), number, content)).done()

    async def is_undone(self) -> None:
        """It is as if the message had never come."""
        now = await self.effect()
        assert now.total == self.before.total
        assert now == self.before

    async def is_done(self) -> None:
        """The message took effect, once."""
        total, standing, stays = await self.effect()
        if self.number == "2401":
            assert stays == self.before.stays + 1
        elif self.number in CANCELS.values():
            assert (total, standing) == (0, self.before.standing - 1)
        else:
            assert standing == self.before.standing + 1
            assert total > 0


Begin = Callable[..., Any]


@pytest.fixture
async def begin(served: Served, accounts: Any, tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """Sets a scene for a transaction; fates wait for the messages that follow."""
    assert served.dsn is not None
    chronicle = Chronicle(tmp_path / "history.jsonl")
    database = await Database.open(served.dsn, writers=1, readers=2)

    @asynccontextmanager
    async def scene(number: str, *fates: Treatment) -> AsyncIterator[Scene]:
        waiting: list[Treatment] = []
        kind = "pharmacy" if KINDS[number] is Kind.PURCHASE else "hospital"
        row = next(one for one in accounts["institutions"] if one["kind"] == kind)
        # one row a person: who has two schemes would meet again
        by_number = {
            one["psn_no"]: one for one in accounts["persons"] if one["pool"] == row["pool"]
        }
        persons = list(by_number.values())
        number_of_scene = next(_scenes)
        patient = patient_from(persons[number_of_scene])
        bill = Bill(number_of_scene, 0, 0, KINDS[number], 30_000, 2, True, Manner.PLAIN, 0, ())
        async with Line(
            lambda: served.port, lambda _: waiting.pop(0) if waiting else Treatment()
        ) as line:
            prices = price_list_from(accounts["items"], row["pool"])
            institution = Institution(endpoint_from(row, line.base_url), prices, chronicle)
            async with institution:
                paper = Paper(bill, patient, charges_of(bill, prices), institution.now, "U1")
                made = Scene(number, institution, paper, database)
                await made.prepare()
                waiting += fates
                yield made
                await line.settled()

    yield scene
    await database.close()
    chronicle.close()


@pytest.mark.parametrize("number", TRANSACTIONS)
async def test_a_reversal_before_its_message_fences_it(number: str, begin: Begin) -> None:
    async with begin(number) as scene:
        message = scene.new_id()
        assert (await scene.reverse(message)).outcome is CallOutcome.DONE
        assert (await scene.send(message)).code == FENCED
        await scene.is_undone()
        assert (await scene.send(scene.new_id())).outcome is CallOutcome.DONE
        await scene.is_done()


@pytest.mark.parametrize("number", TRANSACTIONS)
async def test_a_reversal_with_its_message_leaves_nothing(number: str, begin: Begin) -> None:
    async with begin(number) as scene:
        message = scene.new_id()
        original, reversal = await asyncio.gather(scene.send(message), scene.reverse(message))
        assert original.outcome is CallOutcome.DONE or original.code == FENCED
        assert reversal.outcome is CallOutcome.DONE
        await scene.is_undone()
        assert (await scene.send(message)).code == FENCED


@pytest.mark.parametrize("number", TRANSACTIONS)
async def test_a_reversal_after_its_message_undoes_it_once(number: str, begin: Begin) -> None:
    async with begin(number) as scene:
        message, reversal = scene.new_id(), scene.new_id()
        assert (await scene.send(message)).outcome is CallOutcome.DONE
        await scene.is_done()
        for again in (reversal, reversal, scene.new_id()):
            assert (await scene.reverse(message, again)).outcome is CallOutcome.DONE
            await scene.is_undone()
        assert (await scene.send(message)).code == FENCED
        assert (await scene.send(scene.new_id())).outcome is CallOutcome.DONE
        await scene.is_done()


@pytest.mark.parametrize("number", TRANSACTIONS)
async def test_two_reversals_at_once_undo_it_once(number: str, begin: Begin) -> None:
    async with begin(number) as scene:
        message = scene.new_id()
        await scene.send(message)
        answers = await asyncio.gather(*(scene.reverse(message) for _ in range(3)))
        assert {answer.outcome for answer in answers} == {CallOutcome.DONE}
        await scene.is_undone()


@pytest.mark.parametrize("number", TRANSACTIONS)
async def test_a_reversal_of_what_never_came_changes_nothing(number: str, begin: Begin) -> None:
    async with begin(number) as scene:
        message = scene.new_id()
        for _ in range(2):
            assert (await scene.reverse(message)).outcome is CallOutcome.DONE
        await scene.is_undone()
        assert (await scene.send(scene.new_id())).outcome is CallOutcome.DONE
        await scene.is_done()


@pytest.mark.parametrize("number", TRANSACTIONS)
async def test_a_reversal_that_crosses_a_retry_leaves_nothing(number: str, begin: Begin) -> None:
    async with begin(number, Treatment(Fate.LOSE_REPLY)) as scene:
        message = scene.new_id()
        assert (await scene.send(message)).outcome is CallOutcome.UNKNOWN
        retry, reversal = await asyncio.gather(scene.send(message), scene.reverse(message))
        assert retry.outcome is CallOutcome.DONE or retry.code == FENCED
        assert reversal.outcome is CallOutcome.DONE
        await scene.is_undone()
        assert (await scene.send(message)).code == FENCED


@pytest.mark.parametrize("fate", [Fate.LOSE_REQUEST, Fate.LOSE_REPLY, Fate.CUT_REPLY, Fate.LATE])
@pytest.mark.parametrize(
    "care",
    [
        Care(repeat=True, pause=0.05),
        Care(pause=0.05, attempts=2),
        Care(query=False, pause=0.05),
    ],
    ids=["repeat", "query", "reverse"],
)
@pytest.mark.parametrize("number", TRANSACTIONS)
async def test_make_sure_ends_what_nobody_knew(
    number: str, care: Care, fate: Fate, begin: Begin
) -> None:
    async with begin(number, Treatment(fate, 0.4)) as scene:
        end = await scene.make_sure(care)
    # whatever was still on its way has come by now
    if end.ending is Ending.DONE:
        await scene.is_done()
    else:
        assert end.ending is Ending.REVERSED
        await scene.is_undone()


def test_the_usual_care_asks_and_then_reverses() -> None:
    assert Care(repeat=False, query=True, reverse=True) == CAREFUL
