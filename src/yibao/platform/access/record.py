"""The access record (查阅记录): who saw which person, in a chain that shows every change.

What is to be written at the same time is written together, as a block: its link is a hash over the
link before it and its rows, and lies once more sealed under the vault's key, so that nobody who has
the database alone can make another chain. Whoever answers with a person's data waits until the
block is written: nobody is shown what the record does not hold (docs/decisions/0015-…).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from cryptography.hazmat.primitives.hashes import SM3, Hash

from yibao.platform.access import store
from yibao.platform.access.model import Seen, Sighting, Viewer
from yibao.platform.access.store import Block
from yibao.platform.commands.service import LOST, RACED, Writer
from yibao.platform.crypto import Unsealable, Vault

if TYPE_CHECKING:
    from asyncpg import Connection

BLOCK_LIMIT = 2_000
"""Rows of one block, about; a list of people stays together."""
ATTEMPTS = 4
CHAIN = "access record"
"""What links are sealed for: no text that somebody had sealed elsewhere can pose as one."""
START = bytes(32)
"""The link before the first one."""
_REMOVED = "removed"


@dataclass(slots=True)
class _Waiting:
    viewer: Viewer
    seen: Sequence[Seen]
    at: datetime
    written: "asyncio.Future[None]"


@dataclass(frozen=True, slots=True)
class Head:
    """Where a writer's chain ends: number of the block, of its last row, and its link."""

    block: int
    number: int
    link: bytes


class AccessRecord:
    """Writes one process's part of the record."""

    def __init__(
        self, writer: Writer, number: int, vault: Vault, now: Callable[[], datetime]
    ) -> None:
        """``number`` is the process's writer number, which no other live process has."""
        self._writer = writer
        self._number = number
        self._vault = vault
        self._now = now
        self._waiting: list[_Waiting] = []
        self._head: Head | None = None
        self._task: asyncio.Task[None] | None = None

    async def note(self, viewer: Viewer, seen: Sequence[Seen]) -> None:
        """Write down whom somebody saw; returns once it is written. Raises what hindered it."""
        if not seen:
            return
        waiting = _Waiting(viewer, seen, self._now(), asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write_all())
        await asyncio.shield(waiting.written)

    async def drain(self) -> None:
        """Wait until nothing is under way (at shutdown)."""
        while self._task is not None and not self._task.done():
            await asyncio.gather(self._task, return_exceptions=True)

    async def _write_all(self) -> None:
        while self._waiting:
            together, rows = 0, 0
            while together < len(self._waiting) and rows < BLOCK_LIMIT:
                rows += len(self._waiting[together].seen)
                together += 1
            taken, self._waiting = self._waiting[:together], self._waiting[together:]
            try:
                await self._write(taken)
            except Exception as failure:  # noqa: BLE001 - it is told to those who wait
                for one in taken:
                    if not one.written.done():
                        one.written.set_exception(failure)
            else:
                for one in taken:
                    if not one.written.done():
                        one.written.set_result(None)

    async def _write(self, taken: Sequence[_Waiting]) -> None:
        made: Block | None = None
        for attempt in range(ATTEMPTS):
            try:
                async with self._writer() as connection:
                    if self._head is None:
                        self._head = await self._read_head(connection)
                        if made is not None and self._head.link == made.link:
                            return  # it was written, only the answer was lost
                    made = await self._append(connection, self._head, taken)
            except LOST + RACED:
                self._head = None
                if attempt == ATTEMPTS - 1:
                    raise
                await asyncio.sleep(0.05 * 2**attempt)
            else:
                self._head = Head(made.block, made.last, made.link)
                return

    async def _read_head(self, connection: "Connection[Any]") -> Head:
        block = await store.last_block(connection, self._number)
        if block is not None:
            return Head(block.block, block.last, block.link)
        removed = await store.last_removal(connection, self._number)
        if removed is not None:
            return removed_to(self._vault, self._number, removed[1])
        return Head(0, 0, START)

    async def _append(
        self, connection: "Connection[Any]", head: Head, taken: Sequence[_Waiting]
    ) -> Block:
        rows: list[Sighting] = []
        for one in taken:
            for seen in one.seen:
                number = head.number + 1 + len(rows)
                rows.append(
                    Sighting(
                        seen.pool, self._number, number, head.block + 1, one.at, one.viewer,
                        seen.identity, seen.member, seen.found,
                    )
                )  # fmt: skip
        link = link_of(head.link, rows)
        block = head.block + 1, rows[0].number, rows[-1].number
        made = Block(
            self._number,
            *block,
            head.link,
            link,
            sealed_link(self._vault, self._number, block, head.link, link),
            self._now(),
        )
        await store.insert(connection, made, rows)
        return made


def link_of(before: bytes, rows: Sequence[Sighting]) -> bytes:
    """SM3 over the link before and everything that the rows say."""
    digest = Hash(SM3())
    digest.update(before)
    for row in rows:
        viewer = row.viewer
        digest.update(
            msgspec.json.encode(
                (
                    row.pool, row.writer, row.number, row.block, row.seen_at.timestamp(),
                    viewer.kind, viewer.who, viewer.operator, viewer.purpose, row.identity,
                    row.member, row.found,
                )
            )
        )  # fmt: skip
    return digest.finalize()


def sealed_link(
    vault: Vault, writer: int, block: tuple[int, int, int], before: bytes, link: bytes
) -> bytes:
    """What says under the vault's key that a block (number, first, last) ends with a link."""
    said = (writer, *block, before.hex(), link.hex())
    return vault.seal(msgspec.json.encode(said).decode(), CHAIN)


def says_so(vault: Vault, block: Block) -> bool:
    """Whether a block's seal is the vault's own and says what the block says."""
    try:
        opened = msgspec.json.decode(vault.open(block.sealed, CHAIN))
    except (Unsealable, msgspec.DecodeError):
        return False
    return bool(
        opened
        == [
            *(block.writer, block.block, block.first, block.last),
            *(block.before.hex(), block.link.hex()),
        ]
    )


def sealed_removal(vault: Vault, writer: int, head: Head) -> bytes:
    """What says under the vault's key that a chain was removed up to a block."""
    said = (_REMOVED, writer, head.block, head.number, head.link.hex())
    return vault.seal(msgspec.json.encode(said).decode(), CHAIN)


def removed_to(vault: Vault, writer: int, sealed: bytes) -> Head:
    """Where a chain was removed to. Raises Unsealable when the seal does not say so."""
    said = msgspec.json.decode(vault.open(sealed, CHAIN))
    if said[:2] != [_REMOVED, writer]:  # the seal of a block says less than that
        raise Unsealable("the seal is not one of a removal")
    return Head(said[2], said[3], bytes.fromhex(said[4]))
