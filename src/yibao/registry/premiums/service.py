"""What a collecting office does: book premiums, take them back, derive the entitlement anew.

Services run inside the caller's transaction and take its instant as ``now`` (aware UTC): payment
and entitlement change together or not at all. What was known before stays readable by its recorded
time.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.adjudication.entitlement import Enrolled, Paid, derive
from yibao.kernel.areas import Pool
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.crypto import Vault
from yibao.policy.model import Fact, Law
from yibao.policy.parameters import Case, missing
from yibao.policy.terms import PersonType, Scheme
from yibao.registry.people import service as people
from yibao.registry.people.model import RETIRED, Enrolment, Entitlement, Insured
from yibao.registry.premiums import store
from yibao.registry.premiums.model import Premium

if TYPE_CHECKING:
    from asyncpg import Connection

PAYS_NOTHING = "premium_free"
"""Trait of members for whom nothing is due (代缴、免缴)."""
ACCOUNT_ONLY = "account_only"
"""Trait of members who are enrolled for the personal account alone."""


async def premiums(
    connection: "Connection[Any]", pool: Pool, number: str, scheme: Scheme
) -> list[Premium]:
    """What is known now of a member's payments, in the order of the months they cover."""
    return [row for _, row in await store.premiums(connection, pool, number, scheme)]


of_members = store.of_members
"""Payments of several members for months before a day."""


async def book(
    connection: "Connection[Any]",
    vault: Vault,
    pool: Pool,
    number: str,
    booked: Sequence[Premium],
    law: Law,
    *,
    now: datetime,
) -> tuple[Entitlement, ...]:
    """Book payments (缴费入账) of one scheme and derive its entitlement anew.

    Refused when a payment's span is open, or meets one that is booked already.
    """
    insured = await _insured(connection, vault, pool, number)
    known = await premiums(connection, pool, number, law.scheme)
    for premium in booked:
        check(premium, known, law.scheme)
        known.append(premium)
    await store.insert(connection, pool, number, booked, now)
    return await _rewrite(connection, insured, known, law, now)


async def take_back(
    connection: "Connection[Any]",
    vault: Vault,
    pool: Pool,
    number: str,
    start: date,
    law: Law,
    *,
    now: datetime,
) -> tuple[Entitlement, ...]:
    """Take back the payment for the span that begins on ``start`` (退费), and derive anew."""
    insured = await _insured(connection, vault, pool, number)
    current = await store.premiums(connection, pool, number, law.scheme)
    ended = [row_id for row_id, row in current if row.period.start == start]
    if not ended:
        raise Refused(RefusalCode.FIELD_INVALID, f"没有自 {start} 起的缴费记录", "start")
    await store.supersede(connection, pool, number, ended, now)
    left = [row for row_id, row in current if row_id not in ended]
    return await _rewrite(connection, insured, left, law, now)


async def derive_again(
    connection: "Connection[Any]",
    vault: Vault,
    pool: Pool,
    number: str,
    law: Law,
    *,
    now: datetime,
) -> tuple[Entitlement, ...]:
    """Derive a member's entitlement anew, after a change of enrolment, traits or law."""
    insured = await _insured(connection, vault, pool, number)
    known = await premiums(connection, pool, number, law.scheme)
    return await _rewrite(connection, insured, known, law, now)


# ----------------------------------------------------------------------------------------- private


async def _insured(connection: "Connection[Any]", vault: Vault, pool: Pool, number: str) -> Insured:
    await people.lock_member(connection, pool, number)
    found = await people.load_members(connection, vault, pool, [number])
    return found[number]


async def _rewrite(
    connection: "Connection[Any]",
    insured: Insured,
    known: Iterable[Premium],
    law: Law,
    now: datetime,
) -> tuple[Entitlement, ...]:
    entitlements = entitlements_of(insured, known, law)
    pool, number = insured.membership.pool, insured.membership.number
    await people.replace_entitlements(connection, pool, number, law.scheme, entitlements, now=now)
    return entitlements


def entitlements_of(
    insured: Insured, known: Iterable[Premium], law: Law
) -> tuple[Entitlement, ...]:
    """The entitlement that a law makes of enrolments and payments, with reasons in Chinese."""
    enrolments = [row for row in insured.enrolments if row.scheme == law.scheme]
    if not enrolments:
        return ()
    if law.entitlement is None:
        raise missing("entitlement", min(row.period.start for row in enrolments))
    latest = max(enrolments, key=lambda row: row.period.start)
    entitled = derive(
        [_enrolled(row, insured) for row in enrolments],
        [Paid(premium.period, premium.paid_on) for premium in known],
        law.entitlement,
        birth=insured.identity.birth_date,
        died_on=insured.identity.died_on,
        case=_case(law, latest.person_type),
    )
    return tuple(
        Entitlement(law.scheme, one.extent, one.period, one.reason.text) for one in entitled
    )


def _enrolled(row: Enrolment, insured: Insured) -> Enrolled:
    traits = insured.traits_on(row.period.start)
    return Enrolled(
        row.period,
        pays=not (row.person_type.startswith(RETIRED) or PAYS_NOTHING in traits),
        account_only=ACCOUNT_ONLY in traits,
    )


def _case(law: Law, person_type: PersonType) -> Case:
    """The classes of a person type; the longest prefix that a class names wins."""
    case: dict[str, str | None] = {}
    for classes in law.classes.values():
        if classes.fact is Fact.PERSON_TYPE:
            named = [
                (len(word), rule.name)
                for rule in classes.rules
                for word in rule.words
                if person_type.startswith(word)
            ]
            case[classes.dimension] = max(named)[1] if named else classes.otherwise
    return case


def check(premium: Premium, known: Iterable[Premium], scheme: Scheme) -> None:
    """Refuse a payment whose span is open, or meets one that is booked already."""
    if premium.scheme != scheme:
        raise Refused(
            RefusalCode.FIELD_INVALID, f"缴费的险种 {premium.scheme} 与规则的险种不一致", "scheme"
        )
    if premium.period.end is None:
        raise Refused(RefusalCode.FIELD_MISSING, "缴费所属期须有止月", "period")
    if premium.amount < 0:
        raise Refused(RefusalCode.AMOUNT_OUT_OF_RANGE, "缴费金额不得为负", "amount")
    for other in known:
        if other.period.meets(premium.period):
            raise Refused(
                RefusalCode.FIELD_INVALID,
                f"缴费所属期与已入账的 {other.period.start} 起的缴费重叠",
                "period",
            )
