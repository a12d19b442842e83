"""Thousands of payments at once, by the rules for one. Everybody must be of one pool."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.money import Fen
from yibao.kernel.periods import Period
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.platform.crypto import Vault
from yibao.policy.model import Law
from yibao.policy.terms import Scheme
from yibao.registry.people import service as people
from yibao.registry.people.bulk import service as bulk
from yibao.registry.people.bulk import store as bulk_store
from yibao.registry.people.model import Entitlement, Insured
from yibao.registry.premiums import service
from yibao.registry.premiums.model import Premium

if TYPE_CHECKING:
    from asyncpg import Connection

LawOf = Callable[[str, Scheme], Law]
"""The law for persons insured in a division, today. Raises Refused when none is at hand."""


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment of a member."""

    member: str
    premium: Premium
    base: Fen | None = None
    """Monthly base of contributions (缴费基数)."""


async def objections(
    connection: "Connection[Any]",
    vault: Vault,
    pool: Pool,
    payments: Sequence[Payment],
    law_of: LawOf,
) -> list[Refusal | None]:
    """Why payments could not be booked; None of each that could. Writes nothing."""
    members, known = await _known(connection, vault, pool, payments)
    found: list[Refusal | None] = []
    for payment in payments:
        premium = payment.premium
        booked = known[payment.member, premium.scheme]
        try:
            _law(members[payment.member], premium.scheme, law_of)
            service.check(premium, booked, premium.scheme)
        except Refused as refused:
            found.append(refused.refusal)
        else:
            booked.append(premium)
            found.append(None)
    return found


async def book(
    connection: "Connection[Any]",
    vault: Vault,
    pool: Pool,
    payments: Sequence[Payment],
    law_of: LawOf,
    *,
    now: datetime,
) -> None:
    """Book payments (缴费入账) and derive entitlements anew, where the law derives them.

    The payments must have been found free of objections in this transaction.
    """
    await bulk_store.lock_members(connection, pool, [payment.member for payment in payments])
    members, known = await _known(connection, vault, pool, payments)
    rows = []
    for payment in payments:
        premium = payment.premium
        known[payment.member, premium.scheme].append(premium)
        period = premium.period
        rows.append(
            (
                pool, payment.member, premium.scheme, period.start, period.end, premium.paid_on,
                premium.amount, payment.base, now,
            )
        )  # fmt: skip
    await bulk_store.copy_premiums(connection, rows)
    derived: dict[tuple[str, Scheme], tuple[Entitlement, ...]] = {}
    for member, scheme in dict.fromkeys((p.member, p.premium.scheme) for p in payments):
        law = _law(members[member], scheme, law_of)
        if law is None or law.entitlement is None:
            continue
        try:
            paid = known[member, scheme]
            derived[member, scheme] = service.entitlements_of(members[member], paid, law)
        except Refused as refused:  # years that the law says nothing of stay as they were told
            if refused.refusal.code is not RefusalCode.PARAMETER_MISSING:
                raise
    await bulk.replace_entitlements(connection, pool, derived, now=now)


async def _known(
    connection: "Connection[Any]", vault: Vault, pool: Pool, payments: Sequence[Payment]
) -> tuple[Mapping[str, Insured], defaultdict[tuple[str, Scheme], list[Premium]]]:
    numbers = sorted({payment.member for payment in payments})
    members = await people.load_members(connection, vault, pool, numbers)
    known: defaultdict[tuple[str, Scheme], list[Premium]] = defaultdict(list)
    for row in await bulk_store.premiums(connection, pool, numbers):
        member, scheme, start, end, paid_on, amount = row
        known[member, scheme].append(Premium(scheme, Period(start, end), paid_on, amount))
    return members, known


def _law(insured: Insured, scheme: Scheme, law_of: LawOf) -> Law | None:
    """The law of the latest enrolment; None of who is not enrolled: nothing is derived then."""
    own = [row for row in insured.enrolments if row.scheme == scheme]
    if not own:
        return None
    return law_of(max(own, key=lambda row: row.period.start).division, scheme)
