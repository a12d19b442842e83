"""Read the access record, prove that nobody changed it, and end it where its time is over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from yibao.platform.access import store
from yibao.platform.access.model import Sighting
from yibao.platform.access.record import START, Head, link_of, removed_to, says_so, sealed_removal
from yibao.platform.access.store import Block
from yibao.platform.crypto import Unsealable, Vault
from yibao.platform.jobs import Job

if TYPE_CHECKING:
    from asyncpg import Connection


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look at the whole record came to."""

    rows: int
    blocks: int
    faults: tuple[str, ...]
    """The first fault of each writer's chain; empty when all is as it was written."""
    heads: dict[int, str]
    """The last link of each writer: kept elsewhere, it also shows that nothing was cut off."""


async def of_person(
    connection: "Connection[Any]", identity: int | None, members: Sequence[str], limit: int
) -> list[Sighting]:
    """Who saw a human, newest first."""
    return await store.of_person(connection, identity, members, limit)


async def by_viewer(connection: "Connection[Any]", who: str, limit: int) -> list[Sighting]:
    """Whom an institution, clerk or person saw, newest first."""
    return await store.by_viewer(connection, who, limit)


async def verify(connection: "Connection[Any]", vault: Vault) -> Verdict:
    """Follow every chain from its begin; inside a transaction that sees one state."""
    rows = number = 0
    faults: list[str] = []
    heads: dict[int, str] = {}
    for writer in await store.writers(connection):
        chain = _Chain(writer, vault)
        await chain.begin(connection)
        async for block in store.blocks(connection, writer):
            number += 1
            rows += await chain.follow(connection, block)
            if chain.fault:
                break
        else:
            await chain.end(connection)
        heads[writer] = chain.link.hex()
        if chain.fault:
            faults.append(f"writer {writer}: {chain.fault}")
    return Verdict(rows, number, tuple(faults), heads)


def removal(vault: Vault, days: int) -> Job:
    """The job that ends the record ``days`` after it was written; 0 keeps it for good."""

    async def remove_expired(connection: "Connection[Any]", now: datetime) -> int:
        if not days:
            return 0
        done = 0
        for row in await store.expired(connection, now - timedelta(days=days)):
            writer, block, last, link = row["writer"], row["block"], row["last"], row["link"]
            sealed = sealed_removal(vault, writer, Head(block, last, link))
            done += await store.remove(connection, writer, block, last, sealed, now)
        return done

    return remove_expired


class _Chain:
    """One writer's chain, as far as it was followed."""

    def __init__(self, writer: int, vault: Vault) -> None:
        self.fault = ""
        self.link = START
        self._writer = writer
        self._vault = vault
        self._block = 0
        self._number = 0
        self._rows = 0

    async def begin(self, connection: "Connection[Any]") -> None:
        """Begin behind what was removed because its time was over."""
        removed = await store.last_removal(connection, self._writer)
        if removed is None:
            return
        try:
            head = removed_to(self._vault, self._writer, removed[1])
        except Unsealable as fault:
            self.fault = f"the removal of block {removed[0]} and those before: {fault}"
            return
        if head.block != removed[0]:
            self.fault = f"the removal of block {removed[0]} says another block"
        self._block, self._number, self.link = head.block, head.number, head.link

    async def follow(self, connection: "Connection[Any]", block: Block) -> int:
        """Compare a block with its rows and the block before; how many rows it has."""
        if self.fault:
            return 0
        rows = await store.sightings(connection, self._writer, block.first, block.last)
        self.fault = self._fault_of(block, rows)
        self._block, self._number, self.link = block.block, block.last, block.link
        self._rows += len(rows)
        return len(rows)

    async def end(self, connection: "Connection[Any]") -> None:
        """Look for rows that no block has."""
        if not self.fault and await store.count(connection, self._writer) != self._rows:
            self.fault = "there are rows that belong to no block"

    def _fault_of(self, block: Block, rows: Sequence[Sighting]) -> str:
        name = f"block {block.block} of {block.written_at:%Y-%m-%d %H:%M:%S} UTC"
        if block.block != self._block + 1 or block.first != self._number + 1:
            return f"before {name} something is missing"
        if not says_so(self._vault, block):
            return f"{name} was changed: its seal says otherwise"
        if [row.number for row in rows] != list(range(block.first, block.last + 1)):
            return f"in {name} rows are missing or were added"
        if block.before != self.link or link_of(block.before, rows) != block.link:
            return f"in {name} a row was changed (numbers {block.first} to {block.last})"
        return ""
