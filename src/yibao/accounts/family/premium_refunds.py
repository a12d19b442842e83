"""A relative's premium that goes back to where it came from (退还代缴保费)."""

from dataclasses import replace

from yibao.accounts.family import store
from yibao.accounts.laws import Laws
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger import service as ledger
from yibao.ledger.model import AccountState, Entry, Occasion, OccasionKind, owed_account
from yibao.platform.commands.model import Unit
from yibao.platform.crypto import Vault
from yibao.policy.terms import Scheme
from yibao.registry.family import service as links
from yibao.registry.people import service as people
from yibao.registry.premiums import service as premiums


async def give_back_premium(
    unit: Unit, vault: Vault, laws: Laws, premium: PoolKey, reason: str
) -> tuple[tuple[str, Fen], ...]:
    """Take a premium back and credit the exact parts that paid it; answers (account, fen).

    Premium, entitlement and account change together, and the link's year is free again. What would
    go to an account that is closed is owed to its owner. Bills that the lost entitlement touches
    are found by ``yibao affected``. Refused: FIELD_INVALID for a number that is no such premium's,
    or whose money went back already.
    """
    paid = await store.premium(unit.connection, unit.pool, premium.number)
    if premium.pool != unit.pool or paid is None:
        raise Refused(
            RefusalCode.FIELD_INVALID, f"没有编号为 {premium.text()} 的家庭共济缴费", "premium"
        )
    # the order of all who do both: the human, then the account
    await people.lock_member(unit.connection, unit.pool, paid.relative)
    parts = (await ledger.lock_parts(unit, [paid.owner])).get(paid.owner, [])
    number = unit.numbers.next(unit.now)
    if not await store.insert_premium_refund(
        unit.connection, unit.pool, premium.number, number, reason, unit.now
    ):
        raise Refused(RefusalCode.FIELD_INVALID, "该笔家庭共济缴费已退还", "premium")
    posting = (await ledger.postings_of(unit, [premium.number], unit.day))[premium.number]
    closed = {part.account for part in parts if part.state is AccountState.CLOSED}
    back: dict[str, Fen] = {}
    for entry in posting.entries:
        account = owed_account(paid.owner) if entry.account in closed else entry.account
        back[account] = back.get(account, 0) - entry.amount
    occasion = Occasion(OccasionKind.REFUND, {"premium": premium.number}, reason)
    entries = tuple(Entry(account, amount) for account, amount in back.items())
    await ledger.post(unit, [replace(posting, number=number, entries=entries, occasion=occasion)])
    link = await links.once_known(unit.connection, paid.link)
    if link is not None and link.year_limit is not None:
        uses = {(paid.link, paid.day.year): -paid.amount}
        await store.use(unit.connection, unit.pool, uses)
    await _take_back(unit, vault, laws, paid)
    return tuple((account, amount) for account, amount in back.items() if amount > 0)


async def _take_back(unit: Unit, vault: Vault, laws: Laws, paid: store.PremiumPaid) -> None:
    """The relative's premium is not paid any more; the entitlement is derived anew."""
    scheme, period = Scheme(paid.scheme), Period(paid.start, paid.end)
    found = await people.load_members(unit.connection, vault, unit.pool, [paid.relative])
    enrolments = [row for row in found[paid.relative].enrolments if row.scheme == scheme]
    best = next((row for row in enrolments if row.period.meets(period)), None)
    if best is None:
        raise Refused(RefusalCode.NOT_ENROLLED, f"该人员未参加险种 {scheme}", "premium")
    law = laws.law_on(best.division, scheme, paid.start)
    await premiums.take_back(
        unit.connection, vault, unit.pool, paid.relative, paid.start, law, now=unit.now
    )
