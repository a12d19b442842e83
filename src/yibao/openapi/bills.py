"""Bills (结算) of the person, or of whom the person may inquire for: listed, in full, explained."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import get
from litestar.params import FromPath, FromQuery

from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.kernel.money import yuan
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.openapi.authentication import the_person
from yibao.openapi.model import Asked, AtHouse, House, Person
from yibao.openapi.others import spoken_for
from yibao.registry.representatives.model import Act
from yibao.settlement import service as settlements
from yibao.settlement.model import LineFacts, SettlementFacts

PAGE = 50
_NEWEST = 2**63 - 1

Yuan = Annotated[str, msgspec.Meta(pattern=r"^-?\d+\.\d{2}$", description="yuan, two decimals")]


class FundShare(msgspec.Struct):
    """What one fund paid (基金支付)."""

    fund: str
    amount: Yuan


class BillSummary(msgspec.Struct):
    """A settlement, or the mirror that cancels one; all its amounts are then negative."""

    id: str
    """``setl_id``."""
    kind: str
    day: date
    settled_at: datetime
    institution: str
    care_kind: str
    """``med_type``."""
    total: Yuan
    funds: Yuan
    account: Yuan
    family: Yuan
    cash: Yuan
    cancelled_by: str | None


class Line(msgspec.Struct):
    """A fee line with what became of it (费用明细)."""

    serial: str
    code: str
    name: str
    amount: Yuan
    own: Yuan
    over_limit: Yuan
    first_pay: Yuan
    in_scope: Yuan


class Bill(BillSummary):
    """A settlement in full."""

    visit: str
    scheme: str
    own: Yuan
    over_limit: Yuan
    first_pay: Yuan
    in_scope: Yuan
    deductible: Yuan
    hospital_part: Yuan
    balance: Yuan
    """Of the personal account, afterwards."""
    shares: list[FundShare]
    lines: list[Line]


class Bills(msgspec.Struct):
    """A page of bills, newest first."""

    bills: list[BillSummary]
    next: str | None
    """Give it as ``before`` to get the older ones."""


class Explanation(msgspec.Struct):
    """A bill as its patient reads it."""

    text: str
    differences: list[str]
    """Where the computation of today differs from what was settled: none."""


@get("/me/bills", tags=["bills"], summary="Bills of one membership")
async def bills(
    request: Asked,
    house: AtHouse,
    number: FromQuery[str],
    before: FromQuery[str | None] = None,
) -> Bills:
    """Settlements and cancellations of ``number``, fifty at a time."""
    person = await the_person(request, house)
    member = (await spoken_for(house, person, number, Act.INQUIRE)).membership
    edge = _NEWEST if before is None else _key(before).number
    async with house.database.reader(None) as connection:
        found = await settlements.settlements_of_member(
            connection, member.pool, member.number, before=edge, limit=PAGE + 1
        )
    shown = found[:PAGE]
    more = _id(shown[-1].key) if len(found) > PAGE else None
    return Bills([BillSummary(**_summary(facts)) for facts in shown], more)


@get("/me/bills/{id:str}", tags=["bills"], summary="One bill in full")
async def bill(
    request: Asked,
    house: AtHouse,
    id: FromPath[str],  # noqa: A002
) -> Bill:
    """With its lines and what each fund paid."""
    person = await the_person(request, house)
    facts = await _own_bill(house, person, id)
    async with house.database.reader(None) as connection:
        reference = await house.references.current(connection)
        found = await settlements.lines(connection, facts.visit, None, reference.catalogue)
    sums = facts.sums
    return Bill(
        **_summary(facts),
        visit=facts.visit.text(),
        scheme=facts.scheme,
        own=yuan(sums.own),
        over_limit=yuan(sums.over_limit),
        first_pay=yuan(sums.first_pay),
        in_scope=yuan(sums.in_scope),
        deductible=yuan(facts.deductible),
        hospital_part=yuan(facts.hospital_part),
        balance=yuan(facts.balance),
        shares=[FundShare(one.fund, yuan(one.amount)) for one in facts.payments],
        lines=[_line(line) for line, living in found if _is_of(facts, line, living)],
    )


@get("/me/bills/{id:str}/explanation", tags=["bills"], summary="Why each cent")
async def explanation(
    request: Asked,
    house: AtHouse,
    id: FromPath[str],  # noqa: A002
    language: FromQuery[Literal["zh", "en"]] = "zh",
) -> Explanation:
    """The bill decided again from the law and the facts it was decided by, in sentences."""
    person = await the_person(request, house)
    facts = await _own_bill(house, person, id)
    async with house.database.reader(None) as connection:
        if facts.mirrors is not None:
            original = await settlements.settlement(connection, facts.mirrors)
            assert original is not None, "a mirror has its original"
            facts = original
        again = await settlements.explained(connection, facts)
    return Explanation(
        settlements.told(facts, again, language), [str(one) for one in again.differences]
    )


async def _own_bill(house: House, person: Person, text: str) -> SettlementFacts:
    key = _key(text)
    async with house.database.reader(None) as connection:
        facts = await settlements.settlement(connection, key)
    if facts is None:
        raise _unknown(text)
    try:
        await spoken_for(house, person, facts.member, Act.INQUIRE)
    except Refused:
        raise _unknown(text) from None
    return facts


def _key(text: str) -> PoolKey:
    key = parse_pool_key(text)
    if key is None:
        raise _unknown(text)
    return key


def _unknown(text: str) -> Refused:
    return Refused(RefusalCode.SETTLEMENT_UNKNOWN, f"结算ID {text} 不存在或不属于本人", "id")


def _id(key: PoolKey | None) -> str:
    assert key is not None, "what was settled has its number"
    return key.text()


def _summary(facts: SettlementFacts) -> dict[str, Any]:
    return {
        "id": _id(facts.key),
        "kind": facts.kind.value,
        "day": facts.day,
        "settled_at": facts.settled_at,
        "institution": facts.institution,
        "care_kind": facts.care_kind,
        "total": yuan(facts.sums.total),
        "funds": yuan(facts.funds),
        "account": yuan(facts.account),
        "family": yuan(facts.family),
        "cash": yuan(facts.cash),
        "cancelled_by": None if facts.cancelled_by is None else facts.cancelled_by.text(),
    }


def _is_of(facts: SettlementFacts, line: LineFacts, living: PoolKey | None) -> bool:
    """Whether a line is the settlement's; one that was cancelled has left its batch open again."""
    if living is not None:
        return living in (facts.key, facts.mirrors)
    return line.line.batch == facts.batch


def _line(line: LineFacts) -> Line:
    return Line(
        line.line.serial,
        line.line.item,
        line.item_name,
        yuan(line.line.amount),
        yuan(line.own),
        yuan(line.over_limit),
        yuan(line.first_pay),
        yuan(line.in_scope),
    )
