"""Hold money in the owner's pool, and end each hold by what became of the bill.

Pools are never in one transaction. So money is held where the account is (``Reserve``), the bill's
pool decides with it and writes beside the bill what is to become of the hold (``order``), and that
is carried out where the account is (``Carry``). Whoever wants a hold released asks the bill's pool
to give it up first (``GiveUp``): the key of the order lets one of the two win, for good.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from yibao.accounts.family import store as uses
from yibao.accounts.family.elsewhere import rules, store
from yibao.accounts.family.elsewhere.model import (
    END,
    PURPOSE,
    Carry,
    GiveUp,
    HeldPart,
    HeldPurse,
    Order,
    OrderKind,
    Reserve,
)
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen
from yibao.kernel.periods import business_date
from yibao.ledger import service as ledger
from yibao.ledger.holds import service as holds
from yibao.ledger.holds.model import Hold, HoldState, Reservation
from yibao.ledger.model import Occasion, OccasionKind, Part, transit_account
from yibao.ledger.verification.model import Findings
from yibao.platform.commands.model import Command, Done, Handler, MessageKey, Unit
from yibao.platform.commands.one_by_one import one_by_one
from yibao.registry.family import service as links
from yibao.registry.family.model import FamilyLink

if TYPE_CHECKING:
    from asyncpg import Connection

SENDER = "family"
"""Stands where a message's institution does."""

undone = store.undone
"""Orders that are not carried out yet, oldest first; of one patient, or of all pools."""
forgotten = store.forgotten
"""Holds from before an instant whose end nobody has decided, with the owner's pool."""
reservation = rules.reservation
read_hold = rules.read_hold


# --------------------------------------------------------------------------------- the bill's pool


async def order(unit: Unit, orders: Sequence[Order]) -> None:
    """Write what is to become of holds; the one that ends a hold is there once, for good."""
    await store.insert(unit.connection, orders, unit.now)


async def ended(unit: Unit, holds_: Sequence[str]) -> set[str]:
    """Those holds whose end is decided: no other bill may use them."""
    return set(await store.ends(unit.connection, unit.pool, holds_))


async def give_back(unit: Unit, number: int, amounts: Mapping[str, Fen]) -> None:
    """Order refunds of captured holds for a cancellation or correction, by its number."""
    ends = await store.ends(unit.connection, unit.pool, list(amounts))
    refunds = [
        replace(ends[hold], id=str(number), kind=OrderKind.REFUND, amount=amount, settlement=number)
        for hold, amount in amounts.items()
        if amount > 0
    ]
    await store.insert(unit.connection, refunds, unit.now)


async def on_trial(
    connection: "Connection[Any]", wanted: Sequence[FamilyLink], year: int
) -> dict[int, tuple[list[Part], Fen | None]]:
    """What would be held over links: the owner's parts, and what the limits leave; by link."""
    found = {}
    for link in wanted:
        parts = await ledger.balances(connection, link.pool, [link.member])
        used = await uses.used(connection, link.pool, [link.number], year)
        left = rules.left_of(link, used.get(link.number, 0))
        found[link.number] = parts.get(link.member, []), left
    return found


async def examine(connection: "Connection[Any]", findings: Findings) -> None:
    """Add what does not meet between the pools of bills and of owners, in a snapshot of all."""
    for pool, hold, amount in await store.out_of_balance(connection):
        findings.tell(
            pool,
            f"the transit of hold {hold} sums to {amount} fen over both pools,"
            " and nothing of it is under way",
        )


# ---------------------------------------------------------------------------------------- commands


def reserving(wanted: Reserve, link: FamilyLink) -> Command:
    """The command that holds money in the owner's pool; a repeat finds what was held first."""
    return _command(link.pool, link.member, "reserve", wanted.id, wanted)


def giving_up(wanted: GiveUp) -> Command:
    """The command that gives holds up in the bill's pool."""
    pool = rules.read_hold(wanted.holds[0]).pool
    return _command(pool, wanted.holds[0], "give_up", wanted.holds[0], wanted)


def carrying(wanted: Order) -> Command:
    """The command that carries an order out in the owner's pool."""
    name = f"{wanted.hold}/{wanted.id}"
    return _command(wanted.owner_pool, wanted.hold, "carry", name, Carry(wanted))


def purse_of(link: FamilyLink, reference: Mapping[str, Any]) -> HeldPurse:
    """What was held, from what is remembered of the reservation."""
    parts = tuple(HeldPart(*part) for part in reference["parts"])
    return HeldPurse(link.number, link.pool, parts)


def _command(pool: Pool, subject: str, verb: str, name: str, request: Any) -> Command:
    return Command(pool, subject, MessageKey(SENDER, verb, name), b"", request)


def handlers() -> dict[type, Handler]:
    """Who runs the commands between pools."""
    return {
        Reserve: one_by_one(_reserve),
        GiveUp: one_by_one(_give_up),
        Carry: one_by_one(_carry),
    }


async def _give_up(unit: Unit, wanted: GiveUp) -> Done:
    for hold in sorted(wanted.holds):
        given_up = Order(
            unit.pool, hold, END, wanted.owner_pool, OrderKind.RELEASE, 0, None, wanted.member
        )
        await store.insert_release(unit.connection, given_up, unit.now)
    return Done(None, {})


# -------------------------------------------------------------------------------- the owner's pool


async def _reserve(unit: Unit, wanted: Reserve) -> Done:
    """Hold what the account and the link's limits give, up to the need; it counts as used."""
    parts: list[HeldPart] = []
    known = await links.find(unit.connection, wanted.link)
    if known is not None and known.pool == unit.pool:
        # the account first: a withdrawal that came before is seen, one that comes later waits
        account = (await ledger.lock_parts(unit, [known.member])).get(known.member, [])
        link = (await links.standing(unit.connection, [wanted.link], unit.day)).get(wanted.link)
        if link is not None:
            parts = await _held(unit, wanted, link, account)
    purse = HeldPurse(wanted.link, unit.pool, tuple(parts))
    return Done(purse, {"parts": [list(part) for part in parts]})


async def _held(
    unit: Unit, wanted: Reserve, link: FamilyLink, account: Sequence[Part]
) -> list[HeldPart]:
    year = unit.day.year
    used = await uses.used(unit.connection, unit.pool, [link.number], year)
    left = rules.left_of(link, used.get(link.number, 0))
    most = wanted.need if left is None else min(wanted.need, left)
    parts = list(rules.to_hold(wanted.id, account, link, wanted.origins, most))
    for part in parts:
        allowed = tuple(one.name for one in account if one.origin == part.origin)
        await holds.reserve(
            unit, Reservation(part.hold, link.member, part.amount, allowed, PURPOSE, None)
        )
    if parts:
        held = sum(part.amount for part in parts)
        await uses.use(unit.connection, unit.pool, {(link.number, year): held})
    return parts


async def _carry(unit: Unit, wanted: Carry) -> Done:
    """Capture, release or refund, and count what the link did not pay after all. Once each."""
    found = wanted.order
    hold = (await holds.holds(unit.connection, unit.pool, [found.hold]))[found.hold]
    if found.kind is OrderKind.REFUND:
        await holds.refund(unit, found.hold, found.id, found.amount, reason=PURPOSE)
        await _count(unit, hold, -found.amount)
    elif hold.state is HoldState.RESERVED and found.kind is OrderKind.CAPTURE:
        account = transit_account(found.hold)
        await holds.capture(unit, found.hold, found.amount, account, occasion=_occasion(found))
        await _count(unit, hold, found.amount - hold.reservation.amount)
    elif hold.state is HoldState.RESERVED:
        await holds.release(unit, found.hold)
        await _count(unit, hold, -hold.reservation.amount)
    return Done(None, {})


def _occasion(order_: Order) -> Occasion:
    assert order_.settlement is not None
    bill = PoolKey(order_.pool, order_.settlement).text()
    return Occasion(OccasionKind.CAPTURE, {"hold": order_.hold, "settlement": bill}, PURPOSE)


async def _count(unit: Unit, hold: Hold, amount: Fen) -> None:
    """Count against the year in which the money was held; the account's parts are locked."""
    link = rules.read_hold(hold.reservation.id).link
    year = business_date(hold.reserved_at).year
    if amount:
        await uses.use(unit.connection, unit.pool, {(link, year): amount})
