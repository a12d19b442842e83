"""Reserve, capture, release, refund, expire: two-phase use of a personal account (个人账户预留).

What is reserved cannot be spent by anybody else until the hold ends. The caller keeps the id before
it asks, so that after a lost answer it can ask the same again. Locks: account parts, then the hold.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.money import Fen
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger import service as ledger
from yibao.ledger.holds import rules, store
from yibao.ledger.holds.model import Hold, HoldState, Refund, Reservation, Reserved
from yibao.ledger.model import (
    AccountState,
    Entry,
    Occasion,
    OccasionKind,
    Posting,
    owed_account,
    personal_account,
)
from yibao.platform.commands.model import Unit

if TYPE_CHECKING:
    from asyncpg import Connection

_AT_ONCE = 1_000
"""Holds that one run of the job ends at most."""


async def reserve(unit: Unit, wanted: Reservation) -> Reserved:
    """Set money aside, of the allowed parts in their order.

    A known id with the same content is answered by the first answer, whatever became of it since.
    Refused: HOLD_DIFFERS (a known id with another content), BALANCE_SHORT, and what is no amount,
    id or time.
    """
    parts = (await ledger.lock_parts(unit, [wanted.member])).get(wanted.member, [])
    if known := (await store.find(unit.connection, unit.pool, [wanted.id])).get(wanted.id):
        rules.check_same(known, wanted)
        return Reserved(known, existed=True)
    rules.check_reservation(wanted, unit.now)
    hold = Hold(wanted, rules.taken_from(wanted, parts), unit.now)
    await store.insert(unit.connection, unit.pool, hold)
    await store.set_aside(unit.connection, unit.pool, wanted.member, hold.taken, 1)
    return Reserved(hold, existed=False)


async def capture(
    unit: Unit,
    hold: str,
    amount: Fen,
    account: str,
    *,
    number: int | None = None,
    occasion: Occasion | None = None,
) -> Hold:
    """Take up to what was reserved, to an account; the rest is free again.

    ``number``: the posting's, when the caller has one; ``occasion``: what it was made for, unless
    the hold's own purpose says it. Refused: HOLD_UNKNOWN, HOLD_ENDED, HOLD_EXCEEDED.
    """
    found = await _locked(unit, hold)
    rules.check_capture(found, amount, unit.now)
    member = found.reservation.member
    number = unit.numbers.next(unit.now) if number is None else number
    await _free(unit, found, HoldState.CAPTURED, amount, number)
    await ledger.post(
        unit,
        [
            Posting(
                number,
                unit.day,
                (
                    *(
                        Entry(personal_account(member, part), -share)
                        for part, share in rules.spread(amount, found.taken)
                    ),
                    Entry(account, amount),
                ),
                occasion
                or Occasion(OccasionKind.CAPTURE, {"hold": hold}, found.reservation.purpose),
            )
        ],
    )
    return await _found(unit, hold)


async def release(unit: Unit, hold: str) -> Hold:
    """Give back what was reserved. Refused: HOLD_UNKNOWN, HOLD_ENDED."""
    found = await _locked(unit, hold)
    rules.check_open(found, unit.now)
    await _free(unit, found, HoldState.RELEASED)
    return await _found(unit, hold)


async def refund(unit: Unit, hold: str, refund_id: str, amount: Fen, *, reason: str = "") -> Refund:
    """Give back what was captured, or some of it, to the exact parts that it came from.

    What came from an account that was closed since is owed to its owner instead. The account that
    had been given the money gives it back. The same id and amount is answered by
    the first answer. Refused: HOLD_UNKNOWN, HOLD_ENDED (never captured), HOLD_EXCEEDED,
    HOLD_DIFFERS (a known refund with another amount).
    """
    found = await _locked(unit, hold)
    before = await store.refunds(unit.connection, unit.pool, hold)
    if known := next((one for one in before if one.id == refund_id), None):
        if known.amount != amount:
            raise Refused(
                RefusalCode.HOLD_DIFFERS, f"退回编号 {refund_id} 已用于不同的金额", "refund"
            )
        return known
    shares = rules.refunded_to(found, amount, before)
    assert found.posting is not None
    captured = (await ledger.entries_of(unit.connection, unit.pool, [found.posting]))[found.posting]
    giving = next(entry.account for entry in captured if entry.amount > 0)
    made = Refund(refund_id, amount, unit.numbers.next(unit.now))
    await store.insert_refund(unit.connection, unit.pool, hold, made, unit.now)
    back = await _accounts(unit, found.reservation.member)
    await ledger.post(
        unit,
        [
            Posting(
                made.posting,
                unit.day,
                (
                    *(Entry(back[part], share) for part, share in shares),
                    Entry(giving, -amount),
                ),
                Occasion(OccasionKind.REFUND, {"hold": hold, "refund": refund_id}, reason),
            )
        ],
    )
    return made


async def expire(connection: "Connection[Any]", now: datetime) -> int:
    """End the holds whose time has passed; a job. Returns how many."""
    return await store.expire(connection, now, _AT_ONCE)


async def holds(connection: "Connection[Any]", pool: Pool, ids: Sequence[str]) -> dict[str, Hold]:
    """Holds by id, as last committed."""
    return await store.find(connection, pool, ids)


async def holds_of(connection: "Connection[Any]", pool: Pool, member: str) -> list[Hold]:
    """A member's holds, oldest first."""
    return await store.of_member(connection, pool, member)


async def refunds_of(connection: "Connection[Any]", pool: Pool, hold: str) -> list[Refund]:
    """What was given back of a hold, oldest first."""
    return await store.refunds(connection, pool, hold)


async def _found(unit: Unit, hold: str) -> Hold:
    found = (await store.find(unit.connection, unit.pool, [hold])).get(hold)
    if found is None:
        raise Refused(RefusalCode.HOLD_UNKNOWN, f"预留 {hold} 不存在", "hold")
    return found


async def _accounts(unit: Unit, member: str) -> dict[str, str]:
    """Where money for a member's parts goes, by part: what a closed one would get is owed."""
    parts = (await ledger.balances(unit.connection, unit.pool, [member]))[member]
    return {
        part.name: owed_account(member) if part.state is AccountState.CLOSED else part.account
        for part in parts
    }


async def _locked(unit: Unit, hold: str) -> Hold:
    """The hold with its member's parts locked, these first."""
    member = (await _found(unit, hold)).reservation.member
    await ledger.lock_parts(unit, [member])
    return (await store.find(unit.connection, unit.pool, [hold], lock=True))[hold]


async def _free(
    unit: Unit, hold: Hold, state: HoldState, captured: Fen | None = None, number: int | None = None
) -> None:
    """End a hold: nothing of it is held any more."""
    name, member = hold.reservation.id, hold.reservation.member
    await store.end(unit.connection, unit.pool, name, state, unit.now, captured, number)
    await store.set_aside(unit.connection, unit.pool, member, hold.taken, -1)
