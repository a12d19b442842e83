"""Hand over what a person's second number holds, and tell which bills are to be looked at again.

Bills stay where they are, under the number they were settled with. Counters and the account go over
to the number that goes on, so that its next bill finds what both had used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from yibao.accounts.events import service as accounts
from yibao.adjudication.model import CounterKey
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.archive import missing
from yibao.platform.commands.model import Unit
from yibao.registry.family import service as links
from yibao.registry.merging.model import Merged
from yibao.registry.people.model import Insured
from yibao.settlement.accumulators import store as accumulators
from yibao.settlement.bills.decision import locked_accumulators
from yibao.settlement.corrections.store import lock_counters, lock_visits
from yibao.settlement.merging import store


@dataclass(frozen=True, slots=True)
class Affected:
    """A living bill that was decided with one of the two files alone."""

    settlement: PoolKey
    member: str
    day: date


async def lock_bills(unit: Unit, members: Sequence[str]) -> None:
    """Let nobody settle or cancel bills of these numbers until the unit ends; before all else.

    What was put away of them comes back, for it changes hands too.
    """
    await missing.bring_whole(unit.connection, unit.pool, {"member": members})
    await lock_visits(unit.connection, unit.pool, sorted(members))


async def hand_over(unit: Unit, merged: Merged, kept: str, reason: str) -> Fen:
    """What the numbers of the unit's pool that ended hold goes over to ``kept``; the fen moved.

    Counters move as corrections under two numbers of their own, the account part by part. What a
    bill of an ended number gives back later goes to ``kept`` too.
    """
    await store.hand_over_stays(unit.connection, merged.gone, merged.kept)
    ended = [number for pool, number in merged.ended if pool == unit.pool]
    return sum([await _hand_over(unit, merged.kept, kept, number, reason) for number in ended])


async def hand_over_later(unit: Unit, kept: Insured, gone: Insured, reason: str) -> Fen:
    """The same of two numbers of another pool than the one in which the files were merged.

    Refused: FILES_DIFFER unless both are one human's, the one has ended and the other goes on, and
    when it went over before; ACCOUNT_STATE when one of the accounts cannot be emptied or filled.
    """
    going, staying = gone.membership, kept.membership
    if gone.identity.id != kept.identity.id:
        raise Refused(RefusalCode.FILES_DIFFER, "两个人员编号不属于同一份个人档案", "gone")
    if going.period.holds(unit.day) or not staying.period.holds(unit.day):
        raise Refused(
            RefusalCode.FILES_DIFFER, "并入的编号应已终止，保留的编号应在有效期内", "gone"
        )
    if going.number in await accumulators.heirs_of(unit.connection, unit.pool, [going.number]):
        raise Refused(RefusalCode.FILES_DIFFER, f"编号 {going.number} 的累计和账户已转移", "gone")
    return await _hand_over(unit, kept.identity.id, staying.number, going.number, reason)


async def _hand_over(unit: Unit, human: int, kept: str, gone: str, reason: str) -> Fen:
    await _hand_over_counters(unit, kept, gone)
    await links.rename_owner(unit.connection, human, unit.pool, gone, kept, unit.now)
    return await accounts.hand_over(unit, gone, kept, reason)


async def affected(
    unit: Unit, kept: Insured, gone: Insured, members: Sequence[tuple[Pool, str]]
) -> list[Affected]:
    """The living bills whose decision knew one file alone (受影响结算).

    ``members`` are all numbers of the human. The two numbers share counters from now on, so where
    both have bills, all of these; of any number those of a day with other special identities.
    """
    for pool in sorted({where for where, _ in members}):
        own = [number for where, number in members if where == pool]
        await missing.bring_whole(unit.connection, pool, {"member": own})
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
    await locked_accumulators(unit, [(kept, key) for key in moving])
    from_number, to_number = (unit.numbers.next(unit.now) for _ in range(2))
    await store.insert_heir(unit.connection, unit.pool, gone, kept, from_number)
    if not moving:
        return
    entries = [
        (unit.pool, number, *key, member, "correction", sign * amount)
        for number, member, sign in ((from_number, gone, -1), (to_number, kept, 1))
        for key, amount in moving.items()
    ]
    await accumulators.insert_entries(unit.connection, entries)
    changes: dict[tuple[str, CounterKey], int] = {}
    for key, amount in moving.items():
        changes[gone, key], changes[kept, key] = -amount, amount
    changed = await accumulators.add(unit.connection, unit.pool, sorted(changes.items()))
    assert changed == len(changes), "an accumulator row was not there"
