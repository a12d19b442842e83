"""Freeze, release, close, inherit, move and correct personal accounts; nothing is lost on the way.

Every use case locks the account's parts, as settlements do, in the unit of the account's pool.
Retirement needs none of this: the law's credit follows the person type of the month.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from yibao.accounts.credits import store as shortfalls
from yibao.accounts.events import store
from yibao.accounts.events.model import Event, EventKind, Heir, Transfer
from yibao.accounts.family import store as uses
from yibao.accounts.laws import EMPLOYEES
from yibao.kernel.areas import Pool
from yibao.kernel.money import Fen, yuan
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger import service as ledger
from yibao.ledger.inquiries import service as inquiries
from yibao.ledger.model import (
    AccountState,
    Entry,
    Occasion,
    OccasionKind,
    Part,
    Posting,
    contributions_account,
    owed_account,
    personal_account,
    transit_account,
)
from yibao.platform.commands.model import Unit
from yibao.platform.crypto import Vault
from yibao.registry.family import service as links
from yibao.registry.people import service as people

if TYPE_CHECKING:
    from asyncpg import Connection

events = store.events
"""What happened to an account, oldest first."""
under_way = store.under_way
"""Balances that left a pool and have not arrived, with the pool they left."""
coming_back = store.coming_back
"""Balances that were declined and are not back yet, with the pool they left."""

_WORDS = {
    AccountState.OPEN: "未冻结",
    AccountState.FROZEN: "已冻结",
    AccountState.CLOSED: "已注销",
}


async def freeze(unit: Unit, member: str, reason: str) -> None:
    """Let nothing be spent of an account; credits and refunds still go in (冻结)."""
    await _locked(unit, member, AccountState.OPEN)
    await ledger.set_state(unit, member, AccountState.FROZEN)
    await _record(unit, member, EventKind.FROZEN, reason)


async def release(unit: Unit, member: str, reason: str) -> None:
    """Let an account be spent again (解冻)."""
    await _locked(unit, member, AccountState.FROZEN)
    await ledger.set_state(unit, member, AccountState.OPEN)
    await _record(unit, member, EventKind.RELEASED, reason)


async def close(unit: Unit, member: str, reason: str, *, pay_out: bool = False) -> Fen:
    """Close an account for good (注销); answers what it held, owed to its owner from now on.

    Refused: ACCOUNT_STATE for a closed account, for one that holds something unless ``pay_out``
    makes it owed to the owner, and while a hold stands on it.
    """
    parts = await _locked(unit, member, AccountState.OPEN, AccountState.FROZEN)
    held = sum(part.amount for part in parts)
    if held and not pay_out:
        raise Refused(
            RefusalCode.ACCOUNT_STATE,
            f"个人账户尚有余额 {yuan(held)} 元，须先清退",
            "member",
            balance=yuan(held),
        )
    if held:
        await _empty(unit, member, parts, [Entry(owed_account(member), held)], EventKind.CLOSED)
    await ledger.set_state(unit, member, AccountState.CLOSED)
    await _record(unit, member, EventKind.CLOSED, reason, paid_out=held)
    return held


async def correct(unit: Unit, member: str, part: str, amount: Fen, reason: str) -> None:
    """Put a signed difference into one part of an account (更正), against the contributions.

    Refused: ACCOUNT_STATE for a closed account, BALANCE_SHORT when the part does not hold it,
    ACCOUNT_UNKNOWN for a part that is not there, AMOUNT_OUT_OF_RANGE for zero.
    """
    parts = await _locked(unit, member, AccountState.OPEN, AccountState.FROZEN)
    found = next((one for one in parts if one.name == part), None)
    if found is None:
        names = "、".join(one.name for one in parts)
        raise Refused(
            RefusalCode.ACCOUNT_UNKNOWN, f"个人账户没有 {part} 这一部分，现有：{names}", "part"
        )
    if amount == 0:
        raise Refused(RefusalCode.AMOUNT_OUT_OF_RANGE, "更正金额不能为零", "amount")
    left = found.amount - found.held
    if left + amount < 0:
        raise Refused(
            RefusalCode.BALANCE_SHORT, f"账户的这一部分可用 {yuan(left)} 元，不足更正", "amount"
        )
    entries = (Entry(contributions_account(EMPLOYEES), -amount), Entry(found.account, amount))
    occasion = Occasion(OccasionKind.CORRECTION, {"member": member}, reason)
    number = unit.numbers.next(unit.now)
    await ledger.post(unit, [Posting(number, unit.day, entries, occasion)])
    await _record(unit, member, EventKind.CORRECTED, reason, part=part, amount=amount)


async def hand_over(unit: Unit, member: str, heir: str, reason: str) -> Fen:
    """Let another number of the same human go on with an account, part by part; the fen moved.

    What the person owes goes along, what is owed to the number is paid to it. Refused:
    ACCOUNT_STATE for an account that is frozen or has money set aside, and when the other one is
    closed while there is money to go there.
    """
    locked = await ledger.lock_parts(unit, sorted({member, heir}))
    await _hand_over_debts(unit, member, heir, reason)
    parts = locked.get(member, [])
    if not parts or parts[0].state is AccountState.CLOSED:
        return 0
    if parts[0].state is AccountState.FROZEN:
        raise Refused(
            RefusalCode.ACCOUNT_STATE, f"{member} 的个人账户已冻结，须先解冻再合并", "gone"
        )
    moving = [part for part in parts if part.amount]
    if moving and any(part.state is AccountState.CLOSED for part in locked.get(heir, [])):
        raise Refused(
            RefusalCode.ACCOUNT_STATE,
            f"{heir} 的个人账户已注销，须先清退 {member} 的个人账户（accounts.close）再合并",
            "kept",
        )
    if moving:
        await ledger.open_parts(unit, [(heir, part.name, part.origin) for part in moving])
        await ledger.lock_parts(unit, [heir])
        into = [Entry(personal_account(heir, part.name), part.amount) for part in moving]
        await _empty(unit, member, parts, into, EventKind.MOVED_OUT)
    await ledger.set_state(unit, member, AccountState.CLOSED)
    await _record(unit, member, EventKind.CLOSED, reason, merged_into=heir)
    return sum(part.amount for part in moving)


async def _hand_over_debts(unit: Unit, member: str, heir: str, reason: str) -> None:
    """What a number owes is its human's to pay, under whatever number."""
    owed = owed_account(member)
    debt = -(await inquiries.balances(unit.connection, unit.pool, [owed], None))[owed]
    if debt > 0:
        entries = (Entry(owed, debt), Entry(owed_account(heir), -debt))
        occasion = Occasion(OccasionKind.TRANSFER, {"from": member, "to": heir}, reason)
        number = unit.numbers.next(unit.now)
        await ledger.post(unit, [Posting(number, unit.day, entries, occasion)])
    short = (await shortfalls.shortfalls(unit.connection, unit.pool, [member])).get(member, 0)
    if short:
        await shortfalls.add_to_shortfalls(
            unit.connection, unit.pool, {member: -short, heir: short}
        )


# -------------------------------------------------------------------------------------- inheritance


async def inherit(unit: Unit, vault: Vault, member: str, heirs: Sequence[Heir], reason: str) -> Fen:
    """Give what a dead person's account held to the heirs, and close it (继承).

    Into an heir's own account it goes as what is left of the year before: no credit of this year
    made it. Refused: ACCOUNT_STATE for a person who lives as far as the registry knows, and when
    the account or an heir's is closed; FIGURES_DIFFER when the shares are not what it holds.
    """
    found = (await people.load_members(unit.connection, vault, unit.pool, [member])).get(member)
    if found is None or found.identity.died_on is None:
        raise Refused(RefusalCode.ACCOUNT_STATE, "未登记死亡，不能办理继承", "member")
    await _check_heirs(unit, vault, member, heirs)
    receiving = sorted({heir.member for heir in heirs if heir.into_account})
    locked = await ledger.lock_parts(unit, sorted({member, *receiving}))
    parts = _checked(locked.get(member, []), AccountState.OPEN, AccountState.FROZEN)
    held = sum(part.amount for part in parts)
    if any(heir.amount <= 0 for heir in heirs) or sum(heir.amount for heir in heirs) != held:
        raise Refused(
            RefusalCode.FIGURES_DIFFER,
            f"继承金额合计须等于账户余额 {yuan(held)} 元，且每份大于零",
            "heirs",
            balance=yuan(held),
        )
    for heir in receiving:
        if any(part.state is AccountState.CLOSED for part in locked.get(heir, [])):
            raise Refused(RefusalCode.ACCOUNT_STATE, f"继承人 {heir} 的个人账户已注销", "heirs")
    carried = f"{unit.day.year - 1}:carried"
    await ledger.open_parts(unit, [(heir, carried, "carried") for heir in receiving])
    if held:
        await _empty(unit, member, parts, _shares(heirs, carried), EventKind.INHERITED)
    await ledger.set_state(unit, member, AccountState.CLOSED)
    told = [[heir.member, heir.amount, heir.into_account] for heir in heirs]
    await _record(unit, member, EventKind.INHERITED, reason, heirs=told)
    return held


def _shares(heirs: Sequence[Heir], part: str) -> list[Entry]:
    into: dict[str, Fen] = {}
    for heir in heirs:
        own = personal_account(heir.member, part)
        account = own if heir.into_account else owed_account(heir.member)
        into[account] = into.get(account, 0) + heir.amount
    return [Entry(account, amount) for account, amount in into.items()]


async def _check_heirs(unit: Unit, vault: Vault, member: str, heirs: Sequence[Heir]) -> None:
    numbers = sorted({heir.member for heir in heirs})
    known = await people.load_members(unit.connection, vault, unit.pool, numbers)
    for number in numbers:
        if number not in known or number == member:
            raise Refused(
                RefusalCode.PERSON_UNKNOWN, f"继承人 {number} 不是本统筹区的参保人", "heirs"
            )
        if known[number].identity.died_on is not None:
            raise Refused(RefusalCode.PERSON_UNKNOWN, f"继承人 {number} 已死亡", "heirs")


# -------------------------------------------------------------------------------------------- moves


async def move_out(
    unit: Unit, member: str, id_: str, pool: Pool, other_member: str, reason: str
) -> Transfer:
    """Send an account's balance on its way to another pool and close it here (转出).

    The same id finds what was sent before. What the owner's links used of the year's limits goes
    along. Refused: ACCOUNT_STATE for an account that is frozen or closed, or has money set aside;
    MESSAGE_REUSED for an id that another account used.
    """
    if pool == unit.pool:
        raise Refused(RefusalCode.FIELD_INVALID, "转入统筹区与转出统筹区相同", "pool")
    before = await store.transfer(unit.connection, unit.pool, id_, "out")
    if before is not None:
        if (before.member, before.other_pool, before.other_member) != (member, pool, other_member):
            raise Refused(RefusalCode.MESSAGE_REUSED, f"转移编号 {id_} 已用于另一笔转移", "id")
        return before
    await _check_one_human(unit, member, other_member)
    parts = await _locked(unit, member, AccountState.OPEN)
    moved = tuple((part.name, part.origin, part.amount) for part in parts if part.amount)
    used = await _take_uses(unit, member)
    transfer = Transfer(id_, member, pool, other_member, moved, used)
    posting = None
    if moved:
        into = [Entry(transit_account(id_), transfer.amount)]
        posting = await _empty(unit, member, parts, into, EventKind.MOVED_OUT)
    await store.insert_transfer(unit.connection, unit.pool, "out", transfer, posting, unit.now)
    await ledger.set_state(unit, member, AccountState.CLOSED)
    await _record(unit, member, EventKind.MOVED_OUT, reason, transfer=id_, pool=pool)
    return transfer


async def move_in(unit: Unit, vault: Vault, origin: Pool, sent: Transfer, reason: str) -> Transfer:
    """Let a balance arrive, part by part, in the pool it was sent to (转入).

    The same id arrives once. The owner's family links name the new account from now on, and count
    what they used this year. An account that had moved away is open again. Refused: PERSON_UNKNOWN
    when there is no such member here, ACCOUNT_STATE for a closed account and for a balance that was
    declined.
    """
    await store.lock_transfer(unit.connection, unit.pool, sent.id)
    arrived = await store.transfer(unit.connection, unit.pool, sent.id, "in")
    if arrived is not None:
        if arrived.declined:
            raise Refused(
                RefusalCode.ACCOUNT_STATE, f"转移 {sent.id} 已退回转出地，不能转入", "transfer"
            )
        return arrived
    member = sent.other_member
    found = await people.load_members(unit.connection, vault, unit.pool, [member])
    if member not in found or sent.other_pool != unit.pool:
        raise Refused(RefusalCode.PERSON_UNKNOWN, f"人员编号 {member} 不在转入统筹区", "member")
    await _check_one_human(unit, sent.member, member)
    locked = (await ledger.lock_parts(unit, [member])).get(member, [])
    if not await _is_open(unit, member, locked):
        raise Refused(RefusalCode.ACCOUNT_STATE, "转入的个人账户已注销", "member")
    await ledger.open_parts(unit, [(member, name, kind) for name, kind, _ in sent.parts])
    transfer = Transfer(sent.id, member, origin, sent.member, sent.parts, sent.uses)
    number = None
    if sent.parts:
        number = unit.numbers.next(unit.now)
        entries = (
            Entry(transit_account(sent.id), -sent.amount),
            *(Entry(personal_account(member, name), amount) for name, _, amount in sent.parts),
        )
        occasion = Occasion(OccasionKind.TRANSFER, {"member": member, "transfer": sent.id}, reason)
        await ledger.post(unit, [Posting(number, unit.day, entries, occasion)])
    await store.insert_transfer(unit.connection, unit.pool, "in", transfer, number, unit.now)
    await _give_uses(unit, sent)
    human = found[member].identity.id
    await links.move_owner(unit.connection, human, unit.pool, member, unit.day, unit.now)
    await _record(unit, member, EventKind.MOVED_IN, reason, transfer=sent.id, pool=origin)
    return transfer


async def decline(unit: Unit, origin: Pool, sent: Transfer) -> Transfer:
    """Let a balance never arrive in the pool it was sent to: it comes back (转移退回).

    Refused: ACCOUNT_STATE for one that has arrived, PERSON_UNKNOWN in another pool.
    """
    if sent.other_pool != unit.pool:
        raise Refused(
            RefusalCode.PERSON_UNKNOWN,
            f"转移 {sent.id} 是转往统筹区 {sent.other_pool} 的，须由其退回",
            "pool",
        )
    await store.lock_transfer(unit.connection, unit.pool, sent.id)
    known = await store.transfer(unit.connection, unit.pool, sent.id, "in")
    if known is not None:
        if not known.declined:
            raise Refused(
                RefusalCode.ACCOUNT_STATE,
                f"转移 {sent.id} 已转入 {known.member}，不能退回；请另行转出",
                "transfer",
            )
        return known
    declined = Transfer(sent.id, sent.other_member, origin, sent.member, (), declined=True)
    await store.insert_transfer(unit.connection, unit.pool, "in", declined, None, unit.now)
    return declined


async def move_back(unit: Unit, sent: Transfer, reason: str) -> Transfer:
    """Put a balance that was declined back, part by part, where it left; its account is open again.

    Once for good. Of an account that was closed since for another reason the owner is owed it.
    """
    await store.lock_transfer(unit.connection, unit.pool, sent.id)
    known = await store.transfer(unit.connection, unit.pool, sent.id, "back")
    if known is not None:
        return known
    member = sent.member
    locked = (await ledger.lock_parts(unit, [member])).get(member, [])
    into = {personal_account(member, name): amount for name, _, amount in sent.parts}
    if not await _is_open(unit, member, locked):
        into = {owed_account(member): sent.amount}
    number = None
    if sent.parts:
        number = unit.numbers.next(unit.now)
        back = [Entry(account, amount) for account, amount in into.items()]
        entries = (Entry(transit_account(sent.id), -sent.amount), *back)
        occasion = Occasion(OccasionKind.TRANSFER, {"member": member, "transfer": sent.id}, reason)
        await ledger.post(unit, [Posting(number, unit.day, entries, occasion)])
    await store.insert_transfer(unit.connection, unit.pool, "back", sent, number, unit.now)
    await _give_uses(unit, sent)
    await _record(unit, member, EventKind.MOVED_BACK, reason, transfer=sent.id)
    return sent


async def _is_open(unit: Unit, member: str, locked: Sequence[Part]) -> bool:
    """Whether money may go into a locked account; one that only moved away is opened again."""
    if all(part.state is not AccountState.CLOSED for part in locked):
        return True
    if await store.last_kind(unit.connection, unit.pool, member) is not EventKind.MOVED_OUT:
        return False
    await ledger.set_state(unit, member, AccountState.OPEN)
    return True


async def _take_uses(unit: Unit, member: str) -> tuple[tuple[int, int, Fen], ...]:
    """What was paid this year over the links of an account that leaves; no longer counted here."""
    found = await people.find_by_numbers(unit.connection, [member])
    if member not in found:
        return ()
    numbers = [link.number for link in await links.of_owner(unit.connection, found[member][1])]
    year = unit.day.year
    used = await uses.used(unit.connection, unit.pool, numbers, year)
    leaving = tuple((link, year, amount) for link, amount in sorted(used.items()) if amount)
    await uses.use(unit.connection, unit.pool, {(link, y): -a for link, y, a in leaving})
    return leaving


async def _give_uses(unit: Unit, sent: Transfer) -> None:
    """Count here what came along; its account's parts are locked."""
    counted = {(link, year): amount for link, year, amount in sent.uses}
    await uses.use(unit.connection, unit.pool, counted)


async def _check_one_human(unit: Unit, one: str, other: str) -> None:
    """A balance moves with its owner; of a number that is not known here nothing can be said."""
    known = await people.find_by_numbers(unit.connection, [one, other])
    if {one, other} <= known.keys() and known[one][1] != known[other][1]:
        raise Refused(
            RefusalCode.PERSON_UNKNOWN, f"编号 {one} 与 {other} 不是同一人，不能转移", "to_member"
        )


async def sent(connection: "Connection[Any]", pool: Pool, id_: str) -> Transfer | None:
    """What left a pool under an id."""
    return await store.transfer(connection, pool, id_, "out")


# ----------------------------------------------------------------------------------------- private


async def _locked(unit: Unit, member: str, *states: AccountState) -> list[Part]:
    parts = (await ledger.lock_parts(unit, [member])).get(member, [])
    return _checked(parts, *states)


def _checked(parts: list[Part], *states: AccountState) -> list[Part]:
    if not parts:
        raise Refused(RefusalCode.ACCOUNT_UNKNOWN, "该人员没有个人账户", "member")
    state = parts[0].state
    if state not in states:
        raise Refused(
            RefusalCode.ACCOUNT_STATE, f"个人账户{_WORDS[state]}，不能办理", "member", state=state
        )
    return parts


async def _empty(
    unit: Unit, member: str, parts: Sequence[Part], into: Sequence[Entry], kind: EventKind
) -> int:
    """Take all that the parts hold. Refused: ACCOUNT_STATE while some of it is set aside."""
    if any(part.held for part in parts):
        raise Refused(
            RefusalCode.ACCOUNT_STATE, "个人账户有尚未结束的预留，须先扣款或释放", "member"
        )
    moves = kind is EventKind.MOVED_OUT
    occasion = Occasion(
        OccasionKind.TRANSFER if moves else OccasionKind.CLOSING,
        {"member": member, "event": kind.value},
    )
    number = unit.numbers.next(unit.now)
    out = tuple(Entry(part.account, -part.amount) for part in parts if part.amount)
    await ledger.post(unit, [Posting(number, unit.day, (*out, *into), occasion)])
    return number


async def _record(unit: Unit, member: str, kind: EventKind, reason: str, **told: Any) -> None:
    event = Event(member, kind, unit.day, reason, told)
    number = unit.numbers.next(unit.now)
    await store.insert_event(unit.connection, unit.pool, number, event, unit.now)
