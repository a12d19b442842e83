"""Fills one pool over one connection, portion after portion, in the order of time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.filling.care import Care, care_in, settleable
from benchmarks.filling.city import settle_crowd
from benchmarks.filling.portions import AT_ONCE, Patient, write_portion
from yibao.kernel.areas import Division, Pool
from yibao.kernel.identifiers import NumberSource
from yibao.kernel.refusals import Refusal
from yibao.platform.commands.model import Unit
from yibao.platform.crypto import Vault
from yibao.registry.people import service as people
from yibao.registry.service import Reference

if TYPE_CHECKING:
    from asyncpg import Connection

_LOADED_AT_ONCE = 2_000


class Span(NamedTuple):
    """Between which instants everything happens."""

    first: datetime
    last: datetime


class Filler:
    """One pool's patients, hospitals and baskets, and whose turn it is."""

    def __init__(
        self,
        connection: "Connection[Any]",
        numbers: NumberSource,
        pool: Pool,
        reference: Reference,
        random: Random,
    ) -> None:
        """``numbers``: of a writer of its own, whose clock has not passed the first instant."""
        self.pool = pool
        self.patients: list[Patient] = []
        self._connection = connection
        self._numbers = numbers
        self._reference = reference
        self._random = random
        self._care = Care((), ())
        self._next = 0

    async def prepare(
        self, vault: Vault, division: Division, persons: int, span: Span, *, lines: int
    ) -> None:
        """Admit a crowd, find out who can be treated all the time, and where.

        Refused by ValueError where there is nobody, or no hospital.
        """
        before = span.first - timedelta(hours=1)
        async with self._connection.transaction():
            unit = Unit(self.pool, self._connection, before, self._numbers)
            await settle_crowd(unit, vault, division, persons)
        directory, catalogue = self._reference.directory, self._reference.catalogue
        self._care = care_in(self.pool, directory, catalogue, span, self._random, lines=lines)
        self.patients = await self._everybody(vault, span)
        if not self._care.hospitals or len(self.patients) < 2:
            raise ValueError(f"pool {self.pool} has no hospital, or nobody who could go there")
        self._random.shuffle(self.patients)

    async def portion(self, now: datetime, size: int) -> tuple[int, list[Refusal]]:
        """Settle a visit of each of the next ``size`` patients; how many, and what was refused."""
        async with self._connection.transaction():
            unit = Unit(self.pool, self._connection, now, self._numbers)
            settled, refused = await write_portion(
                unit, self._turn(size), self._care, self._reference, self._random
            )
        return len(settled), refused

    @property
    def at_once(self) -> int:
        """Visits of a portion: nobody is in it twice."""
        return min(AT_ONCE, len(self.patients))

    def _turn(self, size: int) -> Sequence[Patient]:
        """The next patients; after the last the first comes again."""
        end = self._next + size
        chosen = self.patients[self._next : end]
        chosen += self.patients[: end - self._next - len(chosen)]
        self._next = end % len(self.patients)
        return chosen

    async def _everybody(self, vault: Vault, span: Span) -> list[Patient]:
        """Members who are insured from before the first visit to the last."""
        days = (span.first - timedelta(days=1), span.last)
        found: list[Patient] = []
        last = ""
        while numbers := await people.member_numbers(
            self._connection, self.pool, last, _LOADED_AT_ONCE
        ):
            last = numbers[-1]
            loaded = await people.load_members(self._connection, vault, self.pool, numbers)
            for who in loaded.values():
                scheme = settleable(who, days)
                if scheme is not None:
                    found.append((who, scheme))
        return found
