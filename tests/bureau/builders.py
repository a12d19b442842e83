"""A bureau to test with: two clerks, a kind of business that only notes a counter, its desk."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from tests.settlement.builders import Town
from yibao.bureau import fields, service
from yibao.bureau.clerks.model import Clerk
from yibao.bureau.kinds import kinds
from yibao.bureau.model import Field, Kind, Office, Proposal
from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.ledger.verification.model import Findings
from yibao.platform.commands.model import Command, Done, Outcome, Unit
from yibao.platform.commands.service import Commands
from yibao.settlement.books import service as books

FIRST = Clerk("first", "测试经办甲")
SECOND = Clerk("second", "测试经办乙")


class Bureau:
    """Two clerks at work over a town's room."""

    def __init__(self, town: Town, commands: Commands, office: Office) -> None:
        self.town = town
        self.office = office
        self._commands = commands
        self._sent = 0

    async def submit(self, command: Command) -> Outcome:
        """Run a command."""
        return await self._commands.submit(command)

    async def propose(self, kind: str, **content: str) -> PoolKey:
        """The first clerk's proposal."""
        self._sent += 1
        command = service.proposing(kind, content, "测试", FIRST, f"m{self._sent}")
        outcome = await self.submit(command)
        assert isinstance(outcome, Done), outcome
        key = parse_pool_key(outcome.reference["proposal"])
        assert key is not None
        return key

    async def approve(self, key: PoolKey, remark: str | None = None) -> Outcome:
        """The second clerk's agreement."""
        return await self.submit(service.approving(key, SECOND, remark))

    async def carry_out(
        self, kind: str, remark: str | None = None, **content: str
    ) -> Mapping[str, Any]:
        """Propose and approve; the result. Raises Refused."""
        key = await self.propose(kind, **content)
        outcome = await self.approve(key, remark)
        if isinstance(outcome, Refusal):
            raise Refused.of(outcome)
        result: Mapping[str, Any] = outcome.result
        return result

    async def find(self, key: PoolKey) -> Proposal:
        """A proposal as it stands."""
        async with self.town.database.reader(None) as connection:
            return await service.find(connection, self.office.vault, key, SECOND)

    async def faults(self) -> list[str]:
        """What is wrong with the books, and between settlements and ledger."""
        findings = Findings()
        async with self.town.database.reader(None) as connection, connection.transaction():
            await books.examine(connection, findings)
        return [*await self.town.faults(), *[str(fault) for fault in findings.faults]]

    @asynccontextmanager
    async def unit(self, pool: Any) -> AsyncIterator[Unit]:
        """A pool and an open transaction, committed at the end."""
        numbers = await self.town.database.numbers()
        async with self.town.database.writer() as connection, connection.transaction():
            yield Unit(pool, connection, self.town.clock.now(), numbers)


NOTED = "bureau.test_note"
"""A message of outbox by which the test kind's deeds are counted."""


@contextmanager
def kind_for_tests(name: str = "test.note", *, four_eyes: bool = True) -> Iterator[str]:
    """A kind that publishes a note; it refuses the word 不行 after having published."""

    async def execute(
        unit: Unit, _office: Office, content: Mapping[str, Any], proposal: Proposal
    ) -> Mapping[str, Any]:
        unit.outbox.append((NOTED, dict(content)))
        if content["word"] == "不行":
            raise Refused(RefusalCode.FIELD_INVALID, "这个词不行", "word")
        return {"noted": content["word"], "decided_by": proposal.decided_by}

    kind = Kind(
        name,
        "测试业务",
        (
            Field("pool", "统筹区", fields.pool),
            Field("word", "词", fields.text),
            Field("amount", "金额", fields.positive_amount, required=False),
        ),
        execute,
        fields.pool_named,
        four_eyes,
    )
    known: dict[str, Kind] = kinds()  # type: ignore[assignment]  # the one dict looked in
    known[kind.name] = kind
    try:
        yield kind.name
    finally:
        del known[kind.name]
