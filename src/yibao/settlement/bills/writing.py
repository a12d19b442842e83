"""Write settlements with their money and counters, and the mirrors of supplements."""

from collections.abc import Mapping, Sequence
from typing import Any

from yibao.accounts.family import service as family
from yibao.adjudication.model import CounterKey
from yibao.kernel.identifiers import PoolKey
from yibao.ledger import service as ledger
from yibao.ledger.model import Posting
from yibao.platform.commands.model import Unit
from yibao.settlement.accumulators import store as accumulators
from yibao.settlement.bills import store, undoing, wallets
from yibao.settlement.model import SettlementFacts


async def write(
    unit: Unit,
    bills: Sequence[tuple[SettlementFacts, int]],
    postings: Sequence[Posting],
    entries: Sequence[tuple[Any, ...]],
    changes: Mapping[accumulators.MemberCounter, int],
) -> None:
    """Settlements with their batch numbers, postings, counter entries and what counters move by.

    The counters and account parts were locked in this unit.
    """
    await store.insert(unit.connection, bills)
    await ledger.post(unit, [posting for posting in postings if posting.entries])
    if entries:
        await accumulators.insert_entries(unit.connection, entries)
        changed = await accumulators.add(unit.connection, unit.pool, sorted(changes.items()))
        assert changed == len(changes), "an accumulator row was not there"


async def mirror_supplements(
    unit: Unit,
    original: SettlementFacts,
    holder: str,
    moved: Mapping[int, Sequence[tuple[CounterKey, int]]],
    message_id: str,
) -> None:
    """Undo the living supplements of a bill that is being cancelled.

    ``moved``: their entries; ``holder``: whose counters they are now.
    """
    numbers = original.supplements
    found = await store.load(unit.connection, unit.pool, numbers)
    postings = await ledger.postings_of(unit, numbers, unit.day)
    owners = {owner for posting in postings.values() for owner in wallets.owners(posting.entries)}
    held = await wallets.account_parts(unit, sorted({original.member, *owners}), lock=True)
    parts = [part for some in held.values() for part in some]
    instead = await wallets.instead_of_closed(unit, parts)
    for number in reversed(numbers):
        supplement, batch = found[number]
        key = PoolKey(unit.pool, unit.numbers.next(unit.now))
        money = []
        if number in postings:
            mirror = postings[number].mirrored(key.number, unit.day)
            money.append(undoing.given_back(mirror, instead))
            if uses := wallets.counted_uses(supplement.snapshot, mirror.entries):
                await family.count(unit, uses)
        entries = moved.get(number, ())
        await write(
            unit,
            [(undoing.cancellation(supplement, key, message_id, unit.now, 0), batch)],
            money,
            [
                (unit.pool, key.number, *counter, holder, "cancellation", -delta)
                for counter, delta in entries
            ],
            {(holder, counter): -delta for counter, delta in entries},
        )
