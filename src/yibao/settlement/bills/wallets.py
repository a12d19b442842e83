"""The personal accounts that may pay a bill: the person's own and those of relatives (家庭共济).

All parts that the bills of a unit may use are locked together, by member and part; what a bill pays
of them is gone for the next bill of the unit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from yibao.accounts.family import service as family
from yibao.adjudication.model import AccountPart, FamilyAccount
from yibao.kernel.money import Fen
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger import service as ledger
from yibao.ledger.model import AccountState, Entry, Part, owed_account, personal_account
from yibao.platform.commands.model import Unit
from yibao.registry.family.model import FamilyLink
from yibao.settlement.accumulators import store as accumulators
from yibao.settlement.bills import elsewhere
from yibao.settlement.bills.elsewhere import Elsewhere
from yibao.settlement.bills.rules import Candidate, Decision, Purse


@dataclass(slots=True)
class Wallets:
    """What the accounts hold while the bills of a unit are decided one after the other."""

    parts: dict[str, list[Part]]
    links: Mapping[int, FamilyLink]
    """The links that stand, by number."""
    used: dict[int, Fen]
    """Paid over links in this year; those without a limit lack."""
    year: int
    elsewhere: Elsewhere
    """What accounts in other pools give."""

    def of(self, candidate: Candidate) -> tuple[list[Part], list[Purse]]:
        """The own parts, and the purses of relatives in the order in which they pay."""
        purses: dict[str, Purse] = {}
        for link in _links(candidate):
            purse = self.elsewhere.purse(candidate, link)
            if link.number in self.links:
                purse = self._purse(self.links[link.number])
            if purse is not None:
                purses.setdefault(purse.link.member, purse)  # an account pays once
        own = self.parts.get(candidate.request.member, [])
        return own, [purse for purse in purses.values() if purse.account.parts]

    def _purse(self, link: FamilyLink) -> Purse:
        parts = tuple(
            AccountPart(part.account, part.origin, part.available)
            for part in self.parts.get(link.member, [])
            if part.origin in link.origins and part.available
        )
        limits = [] if link.bill_limit is None else [link.bill_limit]
        if link.year_limit is not None:
            limits.append(max(0, link.year_limit - self.used.get(link.number, 0)))
        year = None if link.year_limit is None else self.year
        return Purse(link, FamilyAccount(parts, min(limits, default=None)), year)

    def spend(self, decision: Decision) -> None:
        """Take what a bill paid, so that the next bill of the unit does not find it."""
        statement, purses = decision.statement, decision.purses
        paid = dict((*statement.account, *statement.family_accounts))
        if not self.links or not paid:  # nobody else of the unit may use these accounts
            return
        members = {decision.facts.member, *[purse.link.member for purse in purses]}
        for member in members & self.parts.keys():
            self.parts[member] = [
                replace(part, amount=part.amount - paid.get(part.account, 0))
                for part in self.parts[member]
            ]
        for purse in purses:
            if purse.year is not None:
                spent = sum([paid.get(part.key, 0) for part in purse.account.parts])
                self.used[purse.link.number] = self.used.get(purse.link.number, 0) + spent


async def opened(unit: Unit, candidates: Sequence[Candidate], *, lock: bool) -> Wallets:
    """The accounts that these bills may use; ``lock`` keeps them until the unit ends.

    Links are read with the members, and once more after the locks: what was withdrawn in between
    pays no more. Bills that no relative pays for cost nothing more.
    """
    links = {
        link.number: link
        for candidate in candidates
        for link in _links(candidate)
        if link.pool == unit.pool and link.period.holds(unit.day)
    }
    members = {candidate.request.member for candidate in candidates}
    members |= {link.member for link in links.values()}
    parts = await account_parts(unit, sorted(members), lock=lock)
    if links and lock:
        links = await family.standing(unit.connection, list(links), unit.day)
    limited = [link.number for link in links.values() if link.year_limit is not None]
    used: dict[int, Fen] = {}
    if limited:
        used = await family.used(unit.connection, unit.pool, limited, unit.day.year)
    others = await elsewhere.opened(unit, candidates, writing=lock)
    return Wallets(parts, links, used, unit.day.year, others)


def _links(candidate: Candidate) -> Sequence[FamilyLink]:
    """The links that may pay a bill, in their order; the day is asked where they are read."""
    if candidate.law.family is None or not candidate.bill.use_account:
        return ()
    return candidate.insured.paid_by


async def account_parts(unit: Unit, members: Sequence[str], *, lock: bool) -> dict[str, list[Part]]:
    """What the personal accounts of members hold, by part."""
    if not members:
        return {}
    if lock:
        return await ledger.lock_parts(unit, members)
    return await ledger.balances(unit.connection, unit.pool, members)


async def instead_of_closed(unit: Unit, parts: Sequence[Part]) -> dict[str, str]:
    """What takes money in the place of closed parts, by ledger account.

    The account of a number that was merged into another one goes on there, part by part; of any
    other the owner is owed the money. The parts were locked; those that take their place are, too.
    """
    closed = [part for part in parts if part.state is AccountState.CLOSED]
    if not closed:
        return {}
    members = sorted({part.member for part in closed})
    heirs = await accumulators.heirs_of(unit.connection, unit.pool, members)
    if heirs:
        kept = await ledger.lock_parts(unit, sorted(set(heirs.values())))
        shut = {one for one, own in kept.items() if own[0].state is AccountState.CLOSED}
        heirs = {gone: one for gone, one in heirs.items() if one not in shut}
        going_on = [(heirs[p.member], p.name, p.origin) for p in closed if p.member in heirs]
        await ledger.open_parts(unit, going_on)
        await ledger.lock_parts(unit, sorted(set(heirs.values())))
    return {
        part.account: personal_account(heirs[part.member], part.name)
        if part.member in heirs
        else owed_account(part.member)
        for part in closed
    }


# --------------------------------------------------------------------- what a settlement had used


def owners(entries: Sequence[Entry]) -> list[str]:
    """The members whose accounts a posting moves."""
    accounts = (entry.account for entry in entries if entry.account.startswith("account:"))
    return sorted({account.split(":", 2)[1] for account in accounts})


def counted_uses(
    snapshot: Mapping[str, Any], entries: Sequence[Entry]
) -> dict[tuple[int, int], Fen]:
    """What a settlement's posting paid over links with a yearly limit, by link and year."""
    paid = {entry.account: -entry.amount for entry in entries}
    uses = {
        (link, year): sum([paid.get(key, 0) for key, _, _ in parts])
        for link, _, year, parts in snapshot.get("family", ())
        if year is not None
    }
    return {use: amount for use, amount in uses.items() if amount}


async def check_links_stand(
    unit: Unit, snapshot: Mapping[str, Any], entries: Sequence[Entry]
) -> None:
    """Whether relatives may pay a bill once more, as they had; their accounts are locked.

    Refused: NOT_REVERSIBLE when an owner has withdrawn since, or let other bills have the money.
    """
    paid = {entry.account: -entry.amount for entry in entries}
    wanted: dict[int, Fen] = {}
    for number, _, _, parts in snapshot.get("family", ()):
        if amount := sum([paid.get(key, 0) for key, _, _ in parts]):
            wanted[number] = amount
    if not wanted:
        return
    links = await family.standing(unit.connection, list(wanted), unit.day)
    uses = counted_uses(snapshot, entries)
    for (number, year), amount in uses.items():
        used = await family.used(unit.connection, unit.pool, [number], year)
        limit = links[number].year_limit if number in links else None
        if limit is not None and used.get(number, 0) + amount > limit:
            raise Refused(
                RefusalCode.NOT_REVERSIBLE,
                f"编号 {number} 的家庭共济关系本年限额已被其他结算使用，不能恢复原结算",
                "original_message",
            )
    if ended := sorted(wanted.keys() - links.keys()):
        raise Refused(
            RefusalCode.NOT_REVERSIBLE,
            f"编号 {ended[0]} 的家庭共济关系已终止，不能恢复原结算",
            "original_message",
        )
