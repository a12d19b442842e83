"""Payments of a file: booked once, and entitlement follows."""

from datetime import date

from tests.loading.builders import POOL, SOURCE, Bureau, cells_of
from tests.policy.builders import dated
from tests.settlement.builders import Town
from tests.settlement.laws import law, let_count
from yibao.policy.terms import EMPLOYEE
from yibao.registry.premiums import service as premiums


def payment(key: str = "J1", **cells: str) -> dict[str, str]:
    """Four months of the first person."""
    row = {
        "source": SOURCE,
        "source_key": key,
        "pool": POOL,
        "person": "P1",
        "scheme": "310",
        "from": "2026-01",
        "until": "2026-04",
        "paid_on": "2026-04-28",
        "amount": "1520.00",
    }
    return row | cells


TERMS = {
    "waiting_months": [dated(0)],
    "gap_months": [dated(3)],
    "grace_months": [dated("none")],
    "repay_months": [dated(3)],
    "newborn_days": [dated(90)],
    "arrears": [dated("account_only")],
}


async def test_a_payment_is_booked(bureau: Bureau) -> None:
    (insured,) = await bureau.registered(1)
    await bureau.load("payments", [payment(base="4750")])
    assert bureau.told == []
    number = insured.membership.number
    async with bureau.database.reader(None) as connection:
        (booked,) = await premiums.premiums(connection, insured.membership.pool, number, EMPLOYEE)
        base = await connection.fetchval("SELECT base FROM registry.premium")
    assert (booked.amount, booked.period.end, base) == (152000, date(2026, 5, 1), 475000)
    assert (await bureau.load("payments", [payment(base="4750")])).counts.unchanged == 1


async def test_what_was_paid_decides_the_entitlement_where_the_law_says_so(
    bureau: Bureau, town: Town
) -> None:
    await let_count(town, law(rest={"entitlement": TERMS}))
    await bureau.registered(1)
    await bureau.load("payments", [payment(paid_on="2026-01-05")])
    insured = await bureau.insured(1)
    assert insured.entitlement_on(EMPLOYEE, date(2026, 4, 1)) == "full"
    assert insured.entitlement_on(EMPLOYEE, date(2026, 5, 1)) == "account_only"


async def test_where_the_law_is_silent_the_enrolment_decides(bureau: Bureau) -> None:
    await bureau.registered(1)
    await bureau.load("payments", [payment()])
    assert (await bureau.insured(1)).entitlement_on(EMPLOYEE, date(2026, 5, 1)) == "full"


async def test_a_month_is_paid_once(bureau: Bureau) -> None:
    await bureau.registered(1)
    await bureau.load("payments", [payment()])
    await bureau.load("payments", [payment("J2", **{"from": "2026-04", "until": "2026-05"})])
    assert cells_of(bureau.told) == [(2, "from")]
    may = {"from": "2026-05", "until": ""}
    rows = [payment("J3", **may), payment("J4", **may)]
    await bureau.load("payments", rows)
    assert cells_of(bureau.told) == [(3, "from")]


async def test_an_amount_has_two_decimals(bureau: Bureau) -> None:
    await bureau.registered(1)
    await bureau.load("payments", [payment(amount="1.001"), payment("J2", amount="-1")])
    assert cells_of(bureau.told) == [(2, "amount"), (3, "amount")]
