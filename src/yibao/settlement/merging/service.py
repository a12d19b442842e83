"""Hand over what a person's second number holds, and tell which bills are to be looked at again.

Bills stay where they are, under the number they were settled with. Counters and the account go over
to the number that goes on, so that its next bill finds what both had used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from yibao.adjudication.model import CounterKey
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen
from yibao.ledger import service as ledger
from yibao.ledger.model import Entry, Occasion, OccasionKind, Posting, personal_account
from yibao.platform.commands.model import Unit
from yibao.registry.merging.model import Merged
from yibao.registry.people.model import Insured
from yibao.settlement.bills import store as bill_store
from yibao.settlement.bills.decision import locked_accumulators
from yibao.settlement.corrections.store import lock_counters
from yibao.settlement.merging import store


@dataclass(frozen=True, slots=True)
class Affected:
    """A living bill that was decided with one of the two files alone."""

    settlement: PoolKey
    member: str
    day: date


async def hand_over(unit: Unit, merged: Merged, kept: str, gone: str, reason: str) -> Fen:
    """Counters and account of a number that ended go over to one of its pool; the fen moved.

    The counters move as corrections under two numbers of their own, the account part by part. What
    was settled with the ended number and is cancelled later goes back to that number.
    """
    await store.hand_over_stays(unit.connection, merged.gone, merged.kept)
    if (unit.pool, gone) not in merged.ended:
        return 0
    await _hand_over_counters(unit, kept, gone)
    return await _hand_over_account(unit, kept, gone, reason)


async def affected(
    unit: Unit, kept: Insured, gone: Insured, members: Sequence[tuple[Pool, str]]
) -> list[Affected]:
    """The living bills whose decision knew one file alone (受影响结算).

    ``members`` are all numbers of the human. The two numbers share counters from now on, so where
    both have bills, all of these; of any number those of a day with other special identities.
    """
    found = [Affected(*row) for row in await store.living_bills(unit.connection, members)]
    two = {kept.membership.number, gone.membership.number}
    billed = {one.member for one in found if one.settlement.pool == unit.pool} & two
    return [
        one
        for one in found
        if (billed == two and one.member in two)
        or kept.identities_on(one.day) != gone.identities_on(one.day)
    ]


async def _hand_over_counters(unit: Unit, kept: str, gone: str) -> None:
    held = await lock_counters(unit.connection, unit.pool, gone)
    moving = {key: amount for key, amount in held.items() if amount}
    if not moving:
        return
    await locked_accumulators(unit, [(kept, key) for key in moving])
    from_number, to_number = (unit.numbers.next(unit.now) for _ in range(2))
    entries = [
        (unit.pool, number, *key, member, "correction", sign * amount)
        for number, member, sign in ((from_number, gone, -1), (to_number, kept, 1))
        for key, amount in moving.items()
    ]
    await bill_store.insert_accumulator_entries(unit.connection, entries)
    changes: dict[tuple[str, CounterKey], int] = {}
    for key, amount in moving.items():
        changes[gone, key], changes[kept, key] = -amount, amount
    changed = await bill_store.add_to_accumulators(
        unit.connection, unit.pool, sorted(changes.items())
    )
    assert changed == len(changes), "an accumulator row was not there"


async def _hand_over_account(unit: Unit, kept: str, gone: str, reason: str) -> Fen:
    parts = (await ledger.lock_parts(unit, sorted((kept, gone)))).get(gone, [])
    moving = [part for part in parts if part.available]
    if not moving:
        return 0
    await ledger.open_parts(unit, [(kept, part.name, part.origin) for part in moving])
    await ledger.lock_parts(unit, [kept])
    entries = [
        entry
        for part in moving
        for entry in (
            Entry(part.account, -part.available),
            Entry(personal_account(kept, part.name), part.available),
        )
    ]
    occasion = Occasion(OccasionKind.TRANSFER, {"from": gone, "to": kept}, reason)
    number = unit.numbers.next(unit.now)
    await ledger.post(unit, [Posting(number, unit.day, tuple(entries), occasion)])
    return sum(part.available for part in moving)
