"""Lists the living bills that a retroactive law or fact touches (受影响结算). Reads only."""

import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from yibao.adjudication.model import Bill, Sums
from yibao.kernel.areas import Division, Pool
from yibao.kernel.frozen import replace
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.platform.archive import missing
from yibao.platform.crypto import Vault
from yibao.policy.model import DateBasis, Law
from yibao.registry.laws import service as laws
from yibao.registry.laws.model import LawsInForce
from yibao.registry.people import service as people
from yibao.registry.people.model import Insured
from yibao.registry.service import Reference
from yibao.settlement.accumulators import store as accumulators
from yibao.settlement.affected import rules, store
from yibao.settlement.affected.model import CATALOGUE, ENROLMENT, LAW, Affected
from yibao.settlement.affected.rules import Anew, Entries, Past
from yibao.settlement.bills import facts as known
from yibao.settlement.bills import snapshot
from yibao.settlement.bills import store as bill_store
from yibao.settlement.bills.facts import KnownDays, Where
from yibao.settlement.bills.snapshot import Snapshot
from yibao.settlement.bills.standing import as_it_stands, folded
from yibao.settlement.fees import reclassification
from yibao.settlement.fees import rules as fee_rules
from yibao.settlement.fees import service as fees
from yibao.settlement.fees import store as fee_store
from yibao.settlement.fees.model import Basis, ChargeBatch
from yibao.settlement.model import SettlementFacts, VisitFacts, VisitKind
from yibao.settlement.visits import store as visit_store

if TYPE_CHECKING:
    from asyncpg import Connection

_MEMBERS_AT_ONCE = 200
BEGIN = date(1970, 1, 2)
"""Before all bills, and a day that numbers can be told of."""


async def by_law(
    connection: "Connection[Any]",
    law: Law,
    in_force: LawsInForce,
    *,
    since: date = BEGIN,
    until: date | None = None,
) -> list[Affected]:
    """The living bills that come out otherwise when a law decides those of ``since`` ≤ day < until.

    Later bills of the same members, of whatever scheme, follow with their changed counters. What
    was put away comes back; refused when it is too much.
    """
    await missing.bring_days(connection, None, since, date.max, {})
    divisions = [
        division
        for division in await store.insured_divisions(connection, law.scheme)
        if _governed(division, law, in_force)
    ]
    members = await store.members_billed(connection, since, law.scheme, divisions)
    found: list[Affected] = []
    async for pasts, own in _pasts(connection, members):

        def renew(facts: SettlementFacts, stood: Snapshot, own: Mapping[str, Law] = own) -> Anew:
            touched = (
                facts.scheme == law.scheme
                and facts.law != law.fingerprint
                and facts.insured_division in divisions
                and since <= facts.day
                and (until is None or facts.day < until)
            )
            if touched:
                return Anew(stood.bill, law, (LAW,))
            return Anew(stood.bill, own[facts.law], ())

        for past in pasts.values():
            found += rules.replay(past, renew, own.__getitem__)
    return found


async def by_facts(
    connection: "Connection[Any]", vault: Vault, reference: Reference, *, since: date = BEGIN
) -> list[Affected]:
    """The living bills that come out otherwise by what is known now of people and catalogue.

    What was put away comes back; refused when it is too much.
    """
    await missing.bring_days(connection, None, since, date.max, {})
    members = await store.members_billed(connection, since)
    return await by_facts_of(connection, vault, reference, members, since=since)


async def by_facts_of(
    connection: "Connection[Any]",
    vault: Vault,
    reference: Reference,
    members: Sequence[tuple[Pool, str]],
    *,
    since: date = BEGIN,
) -> list[Affected]:
    """The same of these members alone, who come pool by pool."""
    found: list[Affected] = []
    async for pasts, own in _pasts(connection, members):
        pool = next(iter(pasts))[0]
        insured = await people.load_members(
            connection, vault, pool, [member for _, member in pasts]
        )
        living = [facts for past in pasts.values() for facts in past.living]
        today = await known_today(connection, pool, living, own, insured, reference, since)

        def renew(
            facts: SettlementFacts,
            stood: Snapshot,
            today: Mapping[int, Anew | Refusal] = today,
            own: Mapping[str, Law] = own,
        ) -> Anew | Refusal:
            assert facts.key is not None
            return today.get(facts.key.number) or Anew(stood.bill, own[facts.law], ())

        for past in pasts.values():
            found += rules.replay(past, renew, own.__getitem__)
    return found


# --------------------------------------------------------------------------------- what is stored


async def _pasts(
    connection: "Connection[Any]", members: Sequence[tuple[Pool, str]]
) -> AsyncIterator[tuple[dict[tuple[Pool, str], Past], dict[str, Law]]]:
    """What is stored of members, some at a time and of one pool, with the laws of their bills."""
    for pool, group in itertools.groupby(members, key=lambda member: member[0]):
        numbers = [number for _, number in group]
        for first in range(0, len(numbers), _MEMBERS_AT_ONCE):
            chosen = numbers[first : first + _MEMBERS_AT_ONCE]
            pasts = await _past_of(connection, pool, chosen)
            fingerprints = {facts.law for past in pasts.values() for facts in past.living}
            own = await laws.laws_by_fingerprint(connection, sorted(fingerprints))
            if lost := sorted(fingerprints - own.keys()):
                raise Refused(
                    RefusalCode.PARAMETER_MISSING,
                    f"规则 {lost[0]} 的文本没有保存",
                    "law",
                    law=lost[0],
                )
            yield pasts, own


async def _past_of(
    connection: "Connection[Any]", pool: Pool, members: Sequence[str]
) -> dict[tuple[Pool, str], Past]:
    await missing.bring_whole(connection, pool, {"member": members})
    rows = await store.settlements_of(connection, pool, members)
    found = await bill_store.load(connection, pool, [row[1] for row in rows])
    brought = await store.brought_in(connection, pool, members)
    moving = [*(row[1] for row in rows), *(number for _, number in brought)]
    entries = await accumulators.entries_of(connection, pool, moving)
    stood: dict[str, list[SettlementFacts]] = {member: [] for member in members}
    moved: dict[str, dict[int, Entries]] = {member: {} for member in members}
    for member, number in brought:
        moved[member][number] = entries.get(number, ())
    supplementing = {one for facts, _ in found.values() for one in facts.supplements}
    for member, number, lives in rows:
        if number in supplementing:
            continue  # told with the bill that it supplements
        bill = found[number][0]
        moved[member][number] = folded(entries, (number, *bill.supplements))
        if lives:
            stood[member].append(as_it_stands(bill, [found[one][0] for one in bill.supplements]))
    return {(pool, member): Past(stood[member], moved[member]) for member in members}


def _governed(division: str, law: Law, in_force: LawsInForce) -> bool:
    """Whether a law would be the nearest one for persons insured in a division."""
    for area in (division, f"{division[:4]}00", f"{division[:2]}0000"):
        if area == law.area:
            return True
        if in_force.knows(Division(area), law.scheme):
            return False
    return False


# ------------------------------------------------------------------------------ what is known today


async def known_today(
    connection: "Connection[Any]",
    pool: Pool,
    living: Sequence[SettlementFacts],
    own: Mapping[str, Law],
    insured: Mapping[str, Insured],
    reference: Reference,
    since: date,
) -> dict[int, Anew | Refusal]:
    """The bills whose facts are known otherwise now, by settlement."""
    looked_at = [facts for facts in living if facts.day >= since and facts.key is not None]
    visit_numbers = [facts.visit.number for facts in looked_at]
    visits = await visit_store.load(connection, pool, visit_numbers)
    batches: dict[int, list[ChargeBatch]] = {}
    for batch in await fee_store.visible_batches(connection, pool, visit_numbers):
        if batch.living_settlement is not None:
            batches.setdefault(batch.living_settlement, []).append(batch)
    changed: dict[int, Anew | Refusal] = {}
    for facts in looked_at:
        assert facts.key is not None
        stood = snapshot.read(facts).bill
        settled = batches[facts.key.number]
        anew = await _anew(
            connection, facts, stood, settled, visits, own[facts.law], insured, reference
        )
        if isinstance(anew, Refusal) or anew.causes:
            changed[facts.key.number] = anew
    return changed


async def _anew(
    connection: "Connection[Any]",
    facts: SettlementFacts,
    stood: Bill,
    batches: Sequence[ChargeBatch],
    visits: Mapping[int, VisitFacts],
    law: Law,
    members: Mapping[str, Insured],
    reference: Reference,
) -> Anew | Refusal:
    insured = members.get(facts.member)
    days = await _days(connection, facts, batches, visits[facts.visit.number], law)
    enrolment = None if insured is None else insured.enrolment_on(facts.scheme, days["person"])
    if insured is None or enrolment is None:
        return Refusal(
            RefusalCode.NOT_ENROLLED,
            f"参保人在 {days['person']} 未参加险种 {facts.scheme}",
            ENROLMENT,
            {"day": days["person"].isoformat()},
        )
    now = replace(
        stood,
        person=known.person_of(
            insured,
            enrolment,
            facts.scheme,
            law,
            days,
            claim_free_years=stood.person.claim_free_years,
        ),
    )
    institution = reference.directory.institution(facts.institution)
    term = institution.term_on(_visit_day(visits[facts.visit.number])) if institution else None
    causes: tuple[str, ...] = ()
    if institution is not None and term is not None:
        where = Where(institution, term, reference.directory)
        place = known.place_of(where, insured, enrolment, facts.day)
        now = replace(
            now,
            provider=replace(stood.provider, level=term.level),
            place=place,
            filing=known.filing_of(insured, where, place, facts.day),
        )
        basis = Basis(
            facts.scheme,
            facts.care_kind,
            term.level,
            term.area,
            reference.catalogue.version,
            batches[0].basis.practice,
        )
        sums = await _sums(connection, facts, batches, basis, reference)
        if sums != fee_rules.in_use(stood.sums):
            now, causes = replace(now, sums=sums), (CATALOGUE,)
    return Anew(now, law, (*rules.changed_facts(stood, now), *causes))


async def _sums(
    connection: "Connection[Any]",
    facts: SettlementFacts,
    batches: Sequence[ChargeBatch],
    basis: Basis,
    reference: Reference,
) -> dict[str, Sums]:
    """The batches' sums under the catalogue of today, with the terms of each fee's day."""
    again = batches
    if any(batch.basis != basis for batch in batches):
        again, _ = await reclassification.reclassified(
            connection, facts.visit.pool, batches, basis, reference.catalogue
        )
    return fee_rules.in_use(reclassification.together(again).buckets)


async def _days(
    connection: "Connection[Any]",
    facts: SettlementFacts,
    batches: Sequence[ChargeBatch],
    visit: VisitFacts,
    law: Law,
) -> dict[str, date]:
    """The days that the bill's law takes its facts from."""
    kind = visit.kind
    basis = known.date_basis(law, facts.care_kind, facts.day, kind)
    settled_on = business_date(facts.settled_at)
    if visit.died_on is not None:
        settled_on = min(settled_on, visit.died_on)
    fee = None
    if kind is VisitKind.STAY or DateBasis.FEE in basis.values():
        found = await fees.fee_days(connection, facts.visit.pool, batches)
        fee = found[1] if found else settled_on
    discharge = None
    if kind is VisitKind.STAY:
        discharge = fee if visit.end is None or facts.interim else business_date(visit.end)
    days = KnownDays(_visit_day(visit), settled_on, fee, discharge)
    return {what: days.on(named) for what, named in basis.items()}


def _visit_day(visit: VisitFacts) -> date:
    return business_date(visit.begin)
