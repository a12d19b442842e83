"""Two bills of one person, sent at the same moment to two workers: one of the two serial results?

    python -m benchmarks.raced_pairs --count 100000 --seed 1

Each person has six open bills. They are settled in three raced pairs on the way through deductible,
account and ceiling, compared with the pure law, and cancelled in raced pairs again, so that the
person begins anew. A pair has *met* when the second bill would have come out differently had it not
seen the first.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import psutil
from rich.console import Console

from benchmarks.evidence import FOLDER, Experiment, keep
from tests.world.line import Request, read_message
from tests.world.messages import Paper, charges_of
from tests.world.plan import Bill, Kind, Manner
from tests.world.replay import State, replayed
from tests.world.server import Pristine, Served
from yibao.adjudication.benefit import benefit
from yibao.client import Answer, Endpoint, NotDone
from yibao.client.envelope import read_answer
from yibao.client.requests import Requests
from yibao.kernel.areas import Pool
from yibao.kernel.frozen import replace
from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.ledger import service as ledger
from yibao.platform.database import Database
from yibao.policy.load import load_law_book
from yibao.sandbox.desk import Patient, now
from yibao.sandbox.institution import patient_from, price_list_from
from yibao.sandbox.traffic import endpoint_from
from yibao.settlement import service as settlement
from yibao.settlement.accumulators import store as accumulators
from yibao.settlement.bills import snapshot
from yibao.settlement.bills.recomputation import amounts_of
from yibao.settlement.model import SettlementFacts

T = TypeVar("T")

AT_ONCE = 6
"""Persons who race at the same time."""

ROUNDS = 40
"""Times that one person begins anew."""

_YUAN = (150, 400, 700, 1_000, 1_700, 2_600, 4_000, 9_000)
EXPERIMENT = Experiment(
    "raced_pairs",
    "Two bills of one person at the same moment come out as if one had come after the other.",
    "A real server with two workers. Of each person six bills are prepared; then two at a "
    "time are settled at the same moment, over two connections that two workers hold, on the "
    "way through deductible, personal account and ceiling. Both answers are compared, to the "
    "fen, with the pure law in either order. Then they are cancelled in pairs again, and the "
    "person begins anew.",
    "python -m benchmarks.raced_pairs --count COUNT --seed SEED",
    {
        "pairs": "pairs that were sent, settlements and cancellations",
        "seed": "of persons, amounts and order",
        "met": "pairs in which the second bill would have come out otherwise without the first "
        "(until 2026-11-23 counted against counters at zero, so too high)",
        "on two workers": "pairs that two processes answered",
        "deviations": "pairs that are neither of the two serial results",
        "refused": "pairs of which one was refused or not answered",
        "seconds": "without the set-up",
    },
)


class Wire:
    """One kept-alive connection, so that it is known which worker answers."""

    def __init__(self, port: int, workers: Sequence[psutil.Process]) -> None:
        self._port = port
        self._workers = workers
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.worker: int | None = None

    async def open(self) -> None:
        """Connect and find out who accepted."""
        await self.close()
        self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        _, writer = self._streams
        head = b"GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
        writer.write(head)
        await read_message(self._streams[0])
        own = writer.get_extra_info("sockname")[1]
        self.worker = None
        for one in self._workers:
            if any(c.raddr and c.raddr.port == own for c in one.net_connections("tcp")):
                self.worker = one.pid

    async def ask(
        self,
        requests: Requests,
        infno: str,
        content: Mapping[str, Any],
        division: str,
        message: str | None = None,
    ) -> Answer:
        """Send one message of an institution."""
        made = requests.make(infno, content, message_id=message, insured_division=division)
        assert self._streams is not None
        reader, writer = self._streams
        path = "/" + made.url.split("/", 3)[3]
        fields = "".join(f"{name}: {value}\r\n" for name, value in made.headers.items())
        head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{fields}"
        writer.write(f"{head}content-length: {len(made.body)}\r\n\r\n".encode() + made.body)
        reply: Request | None = await read_message(reader)
        assert reply is not None, "the server closed the connection"
        return read_answer(infno, made.message_id, reply.body)

    async def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


@dataclass(slots=True)
class Open:
    """A bill that may be settled, and what settled it last."""

    requests: Requests
    content: dict[str, Any]
    paper: Paper
    settled: str = ""
    visit: str = ""


@dataclass(slots=True)
class Tally:
    """What came out."""

    pairs: int = 0
    met: int = 0
    on_two_workers: int = 0
    deviations: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class Races:
    """Persons who race until enough pairs did."""

    def __init__(
        self, served: Served, found: Mapping[str, Any], database: Database, draw: Random, count: int
    ) -> None:
        self._served = served
        self._found = found
        self._database = database
        self._draw = draw
        self._count = count
        self._laws = {law.fingerprint: law for law in load_law_book().laws.values()}
        self._workers = served.workers()
        # a family's account moves by what others do as well: it is raced in the failing world
        kin = {row[one] for row in found["families"] for one in ("owner", "relative")}
        people = {row["psn_no"]: row for row in found["persons"] if row["psn_no"] not in kin}
        self._senders: dict[str, Requests] = {}
        self._people = iter(draw.sample(list(people.values()), len(people)))
        self.tally = Tally()

    async def run(self) -> None:
        """Race."""
        await asyncio.gather(*(self._lane() for _ in range(AT_ONCE)))

    async def _lane(self) -> None:
        wires = [Wire(self._served.port, self._workers) for _ in range(2)]
        for wire in wires:
            await wire.open()
        for _ in range(20):
            if wires[0].worker != wires[1].worker:
                break
            await wires[1].open()
        while self.tally.pairs < self._count:
            row = next(self._people, None)
            if row is None:
                break
            try:
                await self._race(row, wires)
            except NotDone as error:
                self.tally.refused.append(str(error))
        for wire in wires:
            await wire.close()

    async def _race(self, row: Mapping[str, Any], wires: Sequence[Wire]) -> None:
        """One person's rounds."""
        pool, patient = Pool(row["pool"]), patient_from(row)
        bills = [await self._prepared(pool, patient, n, wires[0]) for n in range(6)]
        opening = State({}, await self._account(pool, patient.number))
        for _ in range(ROUNDS):
            if self.tally.pairs >= self._count:
                return
            order = self._draw.sample(bills, len(bills))
            state = opening
            for pair in zip(order[::2], order[1::2], strict=True):
                state = await self._raced(pair, wires, state)
            for pair in zip(order[::2], order[1::2], strict=True):
                await _both(
                    [self._cancelled(one, wire) for one, wire in zip(pair, wires, strict=True)]
                )
            await self._check_anew(pool, patient.number, opening)

    async def _raced(self, pair: Sequence[Open], wires: Sequence[Wire], state: State) -> State:
        """Settle two bills at once and compare them with the law; the state afterwards."""
        answers = await _both(
            [self._settled(one, wire) for one, wire in zip(pair, wires, strict=True)]
        )
        tally = self.tally
        tally.pairs += 1
        tally.on_two_workers += wires[0].worker != wires[1].worker
        async with self._database.reader(None) as connection:
            found = [await settlement.settlement(connection, _key(one)) for one in answers]
        facts = [one for one in found if one is not None]
        again = replayed(facts, state, self._laws.__getitem__, {})
        if again.contradictions or len(facts) != 2:
            tally.deviations.append(f"{facts[0].member}: {'; '.join(again.contradictions)}")
            return again.end
        for one, answer in zip(facts, answers, strict=True):
            if f"{one.cash / 100:.2f}" != str(answer.output["setlinfo"]["psn_cash_pay"]):
                tally.deviations.append(f"{answer.message_id} was answered otherwise than settled")
        second = next(one for one in facts if one.key == again.order[1])
        tally.met += self._alone(second, state) != amounts_of(second)
        return again.end

    def _alone(self, facts: SettlementFacts, state: State) -> dict[str, int]:
        """What the bill would have come to without the other."""
        bill, read, parts, *further = snapshot.read(facts)
        counters = {key: state.counters.get((facts.member, key), 0) for key in read}
        parts = tuple(replace(part, available=state.account.get(part.key, 0)) for part in parts)
        return amounts_of(benefit(bill, self._laws[facts.law], counters, parts, *further))

    async def _check_anew(self, pool: Pool, member: str, opening: State) -> None:
        async with self._database.reader(None) as connection:
            counters = await accumulators.of_member(connection, pool, member)
        if any(value for _, value in counters) or await self._account(pool, member) != dict(
            opening.account
        ):
            self.tally.deviations.append(f"{member}: all is cancelled, but something is left")

    # ------------------------------------------------------------------------------- messages

    async def _prepared(self, pool: Pool, patient: Patient, n: int, wire: Wire) -> Open:
        places = [
            endpoint_from(row, f"http://127.0.0.1:{self._served.port}")
            for row in self._found["institutions"]
            if row["pool"] == pool and row["kind"] == "hospital"
        ]
        endpoint: Endpoint = places[n % len(places)]
        fen = self._draw.choice(_YUAN) * 100
        number = self._draw.randrange(10**6)
        bill = Bill(number, 0, 0, Kind.OUTPATIENT, fen, 2, True, Manner.PLAIN, 0, ())
        prices = price_list_from(self._found["items"], pool)
        paper = Paper(bill, patient, charges_of(bill, prices), now(), f"R{n}")
        # one sender an institution: two would now and then give one message id in one second
        requests = self._senders.setdefault(endpoint.institution, Requests(endpoint))

        async def done(infno: str, content: dict[str, Any]) -> Mapping[str, Any]:
            return (await wire.ask(requests, infno, content, patient.division)).done()

        visit = str((await done("2201", paper.registration()))["data"]["mdtrt_id"])
        await done("2203", paper.description(visit))
        lines = await done("2204", paper.lines(visit))
        return Open(requests, paper.settlement(visit, lines["result"]), paper, visit=visit)

    async def _settled(self, one: Open, wire: Wire) -> Answer:
        division = one.paper.patient.division
        answer = await wire.ask(one.requests, "2207", one.content, division)
        one.settled = str(answer.done()["setlinfo"]["setl_id"])
        return answer

    async def _cancelled(self, one: Open, wire: Wire) -> None:
        content = one.paper.cancellation(one.visit, one.settled)
        (await wire.ask(one.requests, "2208", content, one.paper.patient.division)).done()

    async def _account(self, pool: Pool, member: str) -> dict[str, int]:
        async with self._database.reader(None) as connection:
            parts = (await ledger.balances(connection, pool, [member])).get(member, [])
        return {part.account: part.amount for part in parts}


async def _both(calls: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """What came of calls at once. One that failed is told when none is under way any more."""
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]


def _key(answer: Answer) -> PoolKey:
    key = parse_pool_key(str(answer.output["setlinfo"]["setl_id"]))
    assert key is not None
    return key


async def measure(count: int, seed: int, work: Path, pristine: Pristine) -> dict[str, Any]:
    """Race ``count`` pairs."""
    served = Served(work / "raced", log=work / "server.log")
    await asyncio.to_thread(pristine.copy_to, served.folder)
    await asyncio.to_thread(served.start)
    try:
        found = await asyncio.to_thread(served.accounts, min(4_000, 80 + count // 60))
        assert served.dsn is not None
        database = await Database.open(served.dsn, writers=1, readers=AT_ONCE)
        races = Races(served, found, database, Random(seed), count)
        started = time.monotonic()
        await races.run()
        await database.close()
    finally:
        await asyncio.to_thread(served.stop)
    tally = races.tally
    return {
        "pairs": tally.pairs,
        "seed": seed,
        "met": tally.met,
        "on two workers": tally.on_two_workers,
        "deviations": len(tally.deviations),
        "refused": len(tally.refused),
        "seconds": round(time.monotonic() - started),
        "told": tally.deviations[:50] + tally.refused[:50],
    }


def main() -> int:
    """Exit code 1 when a pair came out otherwise than in either order, or not at all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--to", type=Path, default=FOLDER)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="yibao-pairs-") as folder:
        work = Path(folder)
        pristine = Pristine(work / "pristine")
        figures = asyncio.run(measure(options.count, options.seed, work, pristine))
    Console().print(figures)
    keep(EXPERIMENT, figures, options.to)
    return 1 if figures["deviations"] or figures["refused"] else 0


if __name__ == "__main__":
    sys.exit(main())
