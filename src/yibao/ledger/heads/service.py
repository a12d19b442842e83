"""Make the heads of days that have ended, list them, hold them against the chain."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.periods import CHINA_TIME, business_date
from yibao.ledger.chain.rules import NO_HASH
from yibao.ledger.heads import store
from yibao.ledger.heads.model import PURPOSE, Head, head_hash
from yibao.platform.clock import SystemClock
from yibao.platform.crypto import Vault
from yibao.platform.signing import Signer, signer_for, verify

if TYPE_CHECKING:
    from asyncpg import Connection

    from yibao.platform.jobs import Job


def signer(vault: Vault) -> Signer:
    """The key that signs heads."""
    return signer_for(vault, PURPOSE)


def job(vault: Vault) -> "Job":
    """Housekeeping: makes the heads that are due."""
    key = signer(vault)

    async def made(connection: "Connection[Any]", now: datetime) -> int:
        return await make(connection, key, now)

    return made


async def make(connection: "Connection[Any]", key: Signer, now: datetime) -> int:
    """A head for each pool and day that has ended since its last one and was written in.

    A day on which nothing was written has none: the next head says the same. What a writer wrote
    into a day after its head was made (a long transaction over midnight, a sandbox's clock set
    back) is behind the next one.
    """
    before = await store.latest(connection)
    made = 0
    for day in await store.days_after_heads(connection):
        if day >= business_date(now):
            break
        for pool, marks in (await store.newest(connection, _end_of(day))).items():
            last = before.get(pool)
            if last is not None and (last.day >= day or last.marks == marks):
                continue
            previous = NO_HASH if last is None else last.hash
            digest = head_hash(pool, day, marks, previous)
            head = Head(pool, day, marks, previous, digest, key.public, key.sign(digest), now)
            await store.insert(connection, head)
            before[pool] = head
            made += 1
    return made


async def unsigned_for(connection: "Connection[Any]") -> float:
    """Seconds since the end of the oldest day that was written in and has no head; 0: none.

    For /metrics, by the machine's time. A pool in which nothing was written lacks nothing.
    """
    oldest = await store.oldest_without_head(connection)
    if oldest is None:
        return 0.0
    return max(0.0, (SystemClock().now() - _end_of(business_date(oldest))).total_seconds())


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), CHINA_TIME)


async def heads(connection: "Connection[Any]", pool: Pool | None = None) -> list[Head]:
    """All heads, by pool and day."""
    return await store.listed(connection, pool)


Tell = Callable[[Pool, str], None]


async def check(
    connection: "Connection[Any]",
    public_keys: Sequence[bytes],
    exported: Sequence[Head],
    pool: Pool | None,
    tell: Tell,
) -> int:
    """Tell what is wrong with the heads, and where the chain is not what they say; how many.

    ``public_keys``: those that may have signed; ``exported``: heads that were kept elsewhere.
    """
    kept = await store.listed(connection, pool)
    outside = [head for head in exported if pool is None or head.pool == pool]
    here = {(head.pool, head.day): head for head in kept}
    last: dict[Pool, bytes] = {}
    for head in kept:
        if head.previous != last.get(head.pool, NO_HASH):
            tell(head.pool, f"the head of {head.day} does not follow the one before it")
        last[head.pool] = head.hash
    for head in outside:
        found = here.get((head.pool, head.day))
        if found is None:
            tell(head.pool, f"the head of {head.day} was exported, but is not here any more")
        elif found.hash != head.hash:
            tell(head.pool, f"the head of {head.day} is not the one that was exported")
    told = {(head.pool, head.hash) for head in kept}
    for head in (*kept, *(h for h in outside if (h.pool, h.hash) not in told)):
        await _check_one(connection, public_keys, head, tell)
    return len(kept) + len(outside)


async def _check_one(
    connection: "Connection[Any]", public_keys: Sequence[bytes], head: Head, tell: Tell
) -> None:
    if head_hash(head.pool, head.day, head.marks, head.previous) != head.hash:
        tell(head.pool, f"the head of {head.day} was changed: its hash is not that of its content")
    if head.public_key not in public_keys:
        tell(head.pool, f"the head of {head.day} was signed by a key that is not the ledger's")
    elif not verify(head.public_key, head.hash, head.signature):
        tell(head.pool, f"the signature of the head of {head.day} is wrong")
    blocks = await store.block_hashes(connection, head.pool, head.marks)
    for mark in head.marks:
        there = blocks.get((mark.writer, mark.number))
        if there is None:
            tell(
                head.pool,
                f"the head of {head.day} saw block {mark.number} of writer {mark.writer}, which is"
                " not there any more: the end of the chain was cut off",
            )
        elif there != mark.hash:
            tell(
                head.pool,
                f"block {mark.number} of writer {mark.writer} hashes to {there.hex()[:16]}…, the"
                f" head of {head.day} saw {mark.hash.hex()[:16]}…: the chain was rewritten",
            )
