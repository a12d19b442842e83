"""The process that fills one pool: people first, a trial that is timed, then the rest."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.connection import Connection as Pipe
from random import Random

import uvloop

from benchmarks.filling.filler import Filler, Span
from yibao.kernel.areas import Division, Pool
from yibao.kernel.refusals import Refusal
from yibao.platform.crypto import Vault, load_key
from yibao.platform.database import Database
from yibao.platform.settings import Settings
from yibao.policy.load import load_law_book
from yibao.registry.service import ReferenceCache

TRIAL_STEP = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Order:
    """What one process is to do."""

    settings: Settings
    """With the database's URL."""
    pool: Pool
    division: Division
    span: Span
    persons: int
    """Beside the sandbox's."""
    trial: int
    """Settlements that are timed before it is known how many there are to be."""
    lines: int
    seed: int


@dataclass(frozen=True, slots=True)
class Told:
    """What has been done since it was last told."""

    pool: Pool
    settled: int = 0
    refused: tuple[Refusal, ...] = ()
    patients: int = 0
    """Told once, with the trial."""


def main(order: Order, pipe: Pipe) -> None:
    """Do it: tells ``Told``, and None at the end of a task.

    Is told when the trial begins, then how many more settlements there are to be; whatever it is
    told after that means to stop.
    """
    uvloop.run(_fill(order, pipe))


async def _fill(order: Order, pipe: Pipe) -> None:
    settings = order.settings
    assert settings.database_url is not None
    vault = Vault(load_key(settings))
    database = await Database.open(settings.database_url, writers=1, readers=1)
    try:
        numbers = await database.numbers()
        async with database.writer() as connection:
            # nobody is told that anything here was done: after a crash it is begun anew
            await connection.execute("SET synchronous_commit = off")
            references = ReferenceCache(vault, load_law_book(settings.law))
            reference = await references.current(connection)
            random = Random(order.seed)
            filler = Filler(connection, numbers, order.pool, reference, random)
            await filler.prepare(
                vault, order.division, order.persons, order.span, lines=order.lines
            )
            _let_the_collector_rest()
            pipe.send(Told(order.pool, patients=len(filler.patients)))
            pipe.recv()  # all begin their trial together
            begin = await _portions(filler, pipe, order.span.first, TRIAL_STEP, order.trial)
            pipe.send(None)
            rest: int = pipe.recv()
            step = (order.span.last - begin) / max(1, -(-rest // filler.at_once))
            await _portions(filler, pipe, begin, step, rest)
            pipe.send(None)
    finally:
        await database.close()


async def _portions(
    filler: Filler, pipe: Pipe, now: datetime, step: timedelta, count: int
) -> datetime:
    """So many settlements, a portion each ``step``; when the next one would be."""
    for size in _sizes(count, filler.at_once):
        if pipe.poll():
            break
        settled, refused = await filler.portion(now, size)
        pipe.send(Told(filler.pool, settled, tuple(refused)))
        now += step
    return now


def _sizes(count: int, at_once: int) -> Iterator[int]:
    whole, rest = divmod(count, at_once)
    yield from [at_once] * whole
    if rest:
        yield rest


def _let_the_collector_rest() -> None:
    """People and law stay for good, and a portion leaves few cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
