"""What a bureau does with bills that have come out wrong: cancel, settle a chain again, supplement.

The hospital's books are not touched by a re-settlement: the difference goes to the person, or is
owed by the person, as a row of total 0 beside the bill. Locks are taken as everywhere: counters,
then account parts, each by key.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from yibao.accounts.family import service as family
from yibao.adjudication.model import CounterKey
from yibao.kernel.areas import Division
from yibao.kernel.frozen import replace
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.ledger import service as ledger
from yibao.ledger.model import Posting
from yibao.platform.archive import missing
from yibao.platform.commands.model import Unit
from yibao.platform.crypto import Vault
from yibao.policy.model import Law
from yibao.registry.laws import service as laws
from yibao.registry.people import service as people
from yibao.registry.service import Reference
from yibao.settlement.accumulators import store as accumulators
from yibao.settlement.affected import service as affected
from yibao.settlement.affected import store as affected_store
from yibao.settlement.affected.model import LAW
from yibao.settlement.affected.rules import Anew, Renew
from yibao.settlement.bills import elsewhere, undoing, wallets
from yibao.settlement.bills import service as bills
from yibao.settlement.bills import store as bill_store
from yibao.settlement.bills.decision import locked_accumulators
from yibao.settlement.bills.snapshot import Snapshot
from yibao.settlement.bills.standing import as_it_stands, folded, summed
from yibao.settlement.bills.writing import write
from yibao.settlement.corrections import rules, store
from yibao.settlement.corrections.model import (
    AddPayer,
    Changed,
    CloseYear,
    Renewal,
    Resettle,
    Resettled,
)
from yibao.settlement.corrections.rules import Living, Redecided, Supplement
from yibao.settlement.model import Origin, SettlementFacts

if TYPE_CHECKING:
    from asyncpg import Connection

__all__ = ["add_payer", "cancel", "close_year", "resettle"]

BILL_SUPPLEMENTED = "settlement.supplemented"
"""Kind of the fact that a bill was settled again, in the outbox."""

BEGIN = date(1, 1, 1)


async def cancel(unit: Unit, settlement: PoolKey, reference: str) -> SettlementFacts:
    """Cancel any settlement (经办撤销), booked today, be its month cleared or its year closed.

    ``reference`` stands where an institution's message id does. Refused as 2208 is, but for that.
    """
    return await bills.cancel_for_bureau(unit, settlement, reference)


async def close_year(unit: Unit, request: CloseYear, clerk: str) -> None:
    """Close the benefit years of a scheme up to a day. Refused for a day that is not over."""
    if request.until >= unit.day:
        raise Refused(
            RefusalCode.DATE_NOT_ALLOWED, f"关账日 {request.until} 应早于今日 {unit.day}", "until"
        )
    await store.close_year(
        unit.connection, unit.pool, request.scheme, request.until, clerk, unit.now
    )


async def resettle(
    unit: Unit, request: Resettle, reference: Reference, vault: Vault, by: PoolKey
) -> Resettled:
    """Decide a member's bills again in their order and book every difference (重新结算).

    Refused when a bill cannot be decided, naming it, and with NOTHING_TO_CORRECT when nothing
    differs and no flag waits.
    """
    chain, before = await _locked_chain(unit, request.member)
    flags = await store.open_flags(unit.connection, unit.pool, [bill.number for bill in chain])
    first = _first(chain, request.since, [number for number, _ in flags])
    renew = await _renewal(unit, request, chain, reference, vault)
    decided = rules.replayed(chain, before, renew, first)
    changed = await _book(unit, decided, Origin.CORRECTION, by)
    again = {one.bill.number for one in decided}
    resolved = [flag for flag in flags if flag[0] in again]
    if not changed and not resolved:
        raise Refused(
            RefusalCode.NOTHING_TO_CORRECT,
            f"参保人 {request.member} 的结算重新计算后没有差额",
            "member",
        )
    if resolved:
        await store.resolve_flags(unit.connection, unit.pool, resolved, by.number, unit.now)
    return _resettled(decided, changed, len(resolved))


async def add_payer(
    unit: Unit, request: AddPayer, reference: Reference, vault: Vault, by: PoolKey
) -> Resettled:
    """Let payers that open to a person afterwards pay a period's settled bills (补充结算).

    What is known of the person now decides; who had paid before pays the same. Refused where more
    than that would change, and when no payer comes in addition.
    """
    chain, before = await _locked_chain(unit, request.member)
    wanted = {
        bill.number for bill in chain if request.first_day <= bill.facts.day <= request.last_day
    }
    if not wanted:
        raise Refused(
            RefusalCode.SETTLEMENT_UNKNOWN,
            f"{request.first_day} 至 {request.last_day} 没有该参保人的结算",
            "first_day",
        )
    everything = Resettle(request.member, Renewal.FACTS)
    renewed = await _renewal(unit, everything, chain, reference, vault)
    as_settled = await _renewal(unit, Resettle(request.member), chain, reference, vault)

    def renew(facts: SettlementFacts, stood: Snapshot) -> Anew | Refusal:
        assert facts.key is not None
        return (renewed if facts.key.number in wanted else as_settled)(facts, stood)

    first = next(bill.number for bill in chain if bill.number in wanted)
    decided = rules.replayed(chain, before, renew, first)
    rules.check_only_new_payers(decided)
    changed = await _book(unit, decided, Origin.SUPPLEMENT, by)
    if not changed:
        raise Refused(RefusalCode.NOTHING_TO_CORRECT, "该期间的结算没有可新增的支付方", "member")
    return _resettled(decided, changed, 0)


# ----------------------------------------------------------------------------------- what is stored


async def _locked_chain(unit: Unit, member: str) -> tuple[list[Living], dict[CounterKey, int]]:
    """A member's living bills in the order they were decided, and what counters held before them.

    What was put away comes back. Then visits and counters are locked: whoever settles or cancels a
    bill of the member waits, and finds what the correction wrote.
    """
    connection, pool = unit.connection, unit.pool
    await missing.bring_whole(connection, pool, {"member": [member]})
    await store.lock_visits(connection, pool, [member])
    await store.lock_counters(connection, pool, member)
    rows = await affected_store.settlements_of(connection, pool, [member])
    numbers = [number for _, number, _ in rows]
    found = await bill_store.load(connection, pool, numbers)
    entries = await accumulators.entries_of(connection, pool, numbers)
    before = await store.counted_before(connection, pool, member)
    money = await ledger.postings_of(unit, numbers, unit.day)
    chain = []
    living = [number for _, number, lives in rows if lives]
    for number in await store.in_turn(connection, pool, living):
        facts, batch = found[number]
        parts = (number, *facts.supplements)
        standing = as_it_stands(facts, [found[one][0] for one in facts.supplements])
        postings = [money[one] for one in parts if one in money]
        chain.append(Living(standing, batch, folded(entries, parts), _paid(postings)))
    if not chain:
        raise Refused(
            RefusalCode.SETTLEMENT_UNKNOWN, f"参保人 {member} 在本统筹区没有有效结算", "member"
        )
    return chain, before


def _paid(postings: Sequence[Posting]) -> dict[str, Fen]:
    """What postings took from parts of personal accounts, and from holds in other pools."""
    paid: dict[str, Fen] = {}
    for posting in postings:
        for entry in posting.entries:
            if entry.account.startswith(("account:", "transit:")):
                paid[entry.account] = paid.get(entry.account, 0) - entry.amount
    return {account: amount for account, amount in paid.items() if amount}


def _first(chain: Sequence[Living], since: date | None, flagged: Sequence[int]) -> int:
    """The number of the bill from which on bills are decided again."""
    if since is None:
        return next((bill.number for bill in chain if bill.number in flagged), chain[0].number)
    for bill in chain:
        if bill.facts.day >= since:
            return bill.number
    raise Refused(RefusalCode.SETTLEMENT_UNKNOWN, f"{since} 起没有该参保人的有效结算", "since")


async def _renewal(
    unit: Unit,
    request: Resettle,
    chain: Sequence[Living],
    reference: Reference,
    vault: Vault,
) -> Renew:
    """How each bill is to be decided again."""
    own = await _own_laws(unit.connection, chain)
    today: Mapping[int, Anew | Refusal] = {}
    if request.renewal in (Renewal.FACTS, Renewal.ALL):
        insured = await people.load_members(unit.connection, vault, unit.pool, [request.member])
        today = await affected.known_today(
            unit.connection,
            unit.pool,
            [bill.facts for bill in chain],
            own,
            insured,
            reference,
            request.since or BEGIN,
        )
    by_law = request.renewal in (Renewal.LAW, Renewal.ALL)

    def renew(facts: SettlementFacts, stood: Snapshot) -> Anew | Refusal:
        assert facts.key is not None
        known = today.get(facts.key.number) or Anew(stood.bill, own[facts.law], ())
        if isinstance(known, Refusal) or not by_law:
            return known
        law = reference.laws.law_on(Division(facts.insured_division), facts.scheme, known.bill.day)
        if law.fingerprint == facts.law:
            return known
        return Anew(known.bill, law, (LAW, *known.causes))

    return renew


async def _own_laws(connection: "Connection[Any]", chain: Sequence[Living]) -> dict[str, Law]:
    fingerprints = sorted({bill.facts.law for bill in chain})
    own = await laws.laws_by_fingerprint(connection, fingerprints)
    if lost := sorted(set(fingerprints) - own.keys()):
        raise Refused(
            RefusalCode.PARAMETER_MISSING, f"规则 {lost[0]} 的文本没有保存", "law", law=lost[0]
        )
    return own


# ---------------------------------------------------------------------------------- what is written


async def _book(
    unit: Unit, decided: Sequence[Redecided], origin: Origin, by: PoolKey
) -> list[tuple[Redecided, Supplement]]:
    """Write a supplement for every bill that came out otherwise."""
    changed = [one for one in decided if one.changed]
    if not changed:
        return []
    made = [_supplement(unit, one, origin, by) for one in changed]
    deltas = [one.moves for one in changed]
    uses: Counter[tuple[int, int]] = Counter()
    for row in made:
        uses.update(wallets.counted_uses(row.facts.snapshot, row.posting.entries))
    member = changed[0].bill.facts.member
    heirs = await accumulators.heirs_of(unit.connection, unit.pool, [member])
    holder = heirs.get(member, member)
    await locked_accumulators(unit, [(holder, key) for moves in deltas for key in moves])
    made = await _into_open_accounts(unit, member, made)
    entries, sums = [], summed([list(moves.items()) for moves in deltas])
    for row, moves in zip(made, deltas, strict=True):
        number = _number(row)
        entries += [
            (unit.pool, number, *key, holder, "correction", delta) for key, delta in moves.items()
        ]
    await write(
        unit,
        [(row.facts, one.bill.batch) for row, one in zip(made, changed, strict=True)],
        [row.posting for row in made],
        entries,
        {(holder, key): delta for key, delta in sums.items()},
    )
    if uses:
        await family.count(unit, uses)
    for row in made:
        assert row.facts.key is not None
        await elsewhere.give_back_some(unit, _number(row), row.posting.entries)
        unit.outbox.append((BILL_SUPPLEMENTED, {"settlement": row.facts.key.text()}))
    return list(zip(changed, made, strict=True))


def _supplement(unit: Unit, one: Redecided, origin: Origin, by: PoolKey) -> Supplement:
    key = PoolKey(unit.pool, unit.numbers.next(unit.now))
    made = rules.supplement(one, key, origin, unit.now, unit.day)
    return made._replace(facts=replace(made.facts, message_id=by.text()))


async def _into_open_accounts(
    unit: Unit, member: str, made: Sequence[Supplement]
) -> list[Supplement]:
    """The supplements with the balances after them; a closed account's refund is owed instead."""
    owners = {owner for row in made for owner in wallets.owners(row.posting.entries)}
    held = await wallets.account_parts(unit, sorted({member, *owners}), lock=True)
    parts = [part for some in held.values() for part in some]
    instead = await wallets.instead_of_closed(unit, parts)
    postings: list[Posting] = []
    told = []
    for row in made:
        posting = undoing.given_back(row.posting, instead)
        postings.append(posting)
        balance = undoing.balance_after(held.get(member, []), postings)
        told.append(row._replace(facts=replace(row.facts, balance=balance), posting=posting))
    return told


def _number(row: Supplement) -> int:
    assert row.facts.key is not None
    return row.facts.key.number


def _resettled(
    decided: Sequence[Redecided], changed: Sequence[tuple[Redecided, Supplement]], resolved: int
) -> Resettled:
    told = []
    for one, row in changed:
        assert one.bill.facts.key is not None
        assert row.facts.key is not None
        told.append(Changed(one.bill.facts.key, row.facts.key, one.differences))
    return Resettled(
        len(decided),
        tuple(told),
        resolved,
        sum(row.owed for _, row in changed),
        sum(row.to_accounts for _, row in changed),
    )
