"""Going live in the middle of a year: the next bill is the one that a year here would give."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from tests.loading.builders import POOL, SOURCE, Bureau, card, cells_of, enrolment, person
from tests.settlement.builders import TERTIARY, Town, stay_line
from yibao.kernel.areas import Pool
from yibao.kernel.money import yuan
from yibao.kernel.periods import Period
from yibao.kernel.refusals import Refused
from yibao.ledger import service as ledger
from yibao.loading.service import undo
from yibao.platform.commands.model import Unit
from yibao.policy.terms import IdentityKind, PersonType, Scheme
from yibao.registry.people import service as people
from yibao.registry.people.model import SpecialIdentity
from yibao.settlement import service as settlement
from yibao.settlement.model import SettlementFacts

OF_BILL = ("sums", "deductible", "payments", "personal", "account", "cash", "balance")


def opening(key: str, what: str = "counter", **cells: str) -> dict[str, str]:
    """A row of ``openings`` of the second person."""
    row = {"source": SOURCE, "source_key": key, "pool": POOL, "what": what, "person": "P1"}
    if what == "counter":
        row |= {"scheme": "310", "day": "2026-04-30"}
    return row | cells


def part(key: str, year: str, origin: str, value: str, **cells: str) -> dict[str, str]:
    """A row of a part of the account."""
    return opening(key, "part", year=year, origin=origin, value=value, **cells)


async def told_of(town: Town, member: str) -> list[dict[str, str]]:
    """What an old system would tell of a member of ours: every counter and every part."""
    async with town.database.reader(None) as connection:
        counters = await settlement.counters(connection, Pool(POOL), member)
        parts = (await ledger.balances(connection, Pool(POOL), [member])).get(member, [])
    rows = []
    for number, (key, value) in enumerate(counters):
        if not value or key.scope.startswith("visit:") or "_stay_" in key.name:  # of one visit
            continue
        _, _, classes = key.scope.partition("|")
        amount = str(value) if key.name.endswith(("stays", "aids")) else yuan(value)
        cells = {"counter": key.name, "classes": classes, "value": amount}
        rows.append(opening(f"C{number}", **cells))
    for one in parts:
        year, _, origin = one.name.partition(":")
        rows.append(part(one.name, year, origin, yuan(one.amount)))
    return rows


async def newcomer(bureau: Bureau, town: Town) -> str:
    """The person of the file; the town knows the card that the hospital reads."""
    (insured,) = await bureau.registered(1)
    number = insured.membership.number
    town.documents[number] = card(1)
    return number


def amounts(bill: SettlementFacts) -> list[object]:
    """What a bill came to, without what is only this person's."""
    return [getattr(bill, name) for name in OF_BILL]


@pytest.mark.parametrize("bills", [("1700",), ("2500", "800.55"), ("30000", "12345.67", "99.99")])
async def test_the_next_bill_is_that_of_who_lived_here_since_january(
    bureau: Bureau, town: Town, bills: Sequence[str]
) -> None:
    here = await town.insure(account="900", carried="450")
    for amount in bills:
        await town.bill(here, amount)
    arrived = await newcomer(bureau, town)
    report = await bureau.load("openings", await told_of(town, here))
    assert (report.counts.bad, bureau.told) == (0, [])
    assert await town.counters(arrived) == await town.counters(here)
    for amount in ("640.10", "5000"):
        assert amounts(await town.bill(arrived, amount)) == amounts(await town.bill(here, amount))
    assert await town.faults() == []


async def test_the_nth_stay_of_the_year_goes_on_counting(bureau: Bureau, town: Town) -> None:
    here = await town.insure()
    await town.stayed(here, "5000")
    arrived = await newcomer(bureau, town)
    rows = await told_of(town, here)
    assert any(row["counter"].endswith("stays") for row in rows), "the law counts stays"
    await bureau.load("openings", rows)
    assert bureau.told == []
    town.clock.move(timedelta(days=40))
    second = await town.stayed(here, "4000")
    assert amounts(await town.stayed(arrived, "4000")) == amounts(second)


async def test_accounts_balance_against_the_old_system(bureau: Bureau, town: Town) -> None:
    arrived = await newcomer(bureau, town)
    rows = [part("a", "2025", "carried", "300.10"), part("b", "2026", "current", "99.90")]
    report = await bureau.load("openings", rows)
    assert report.totals == {f"{POOL} 2025:carried": 30010, f"{POOL} 2026:current": 9990}
    assert await town.balance(arrived) == 40000
    async with town.database.reader(None) as connection:
        suspended = await connection.fetchval(
            "SELECT sum(amount) FROM ledger.entry WHERE account = $1", f"suspense:{SOURCE}"
        )
    assert suspended == -40000
    assert await town.faults() == []


async def test_openings_come_once(bureau: Bureau, town: Town) -> None:
    arrived = await newcomer(bureau, town)
    rows = [part("a", "2025", "carried", "300")]
    await bureau.load("openings", rows)
    assert (await bureau.load("openings", rows)).counts.unchanged == 1
    assert await town.balance(arrived) == 30000
    await bureau.load("openings", [part("a", "2025", "carried", "301")])
    assert cells_of(bureau.told) == [(2, "source_key")]
    twice = [part("b", "2025", "current", "1"), part("c", "2025", "current", "2")]
    await bureau.load("openings", twice)
    assert cells_of(bureau.told) == [(3, "source_key")]


async def test_an_opening_under_another_name_is_the_same_opening(
    bureau: Bureau, town: Town
) -> None:
    arrived = await newcomer(bureau, town)
    counter = {"counter": "employee_outpatient_deductible", "value": "1700"}
    first = [part("a", "2025", "carried", "300"), opening("b", **counter)]
    report = await bureau.load("openings", first)
    again = [part("x", "2025", "carried", "300"), opening("y", **counter)]
    await bureau.load("openings", again)
    assert cells_of(bureau.told) == [(2, "year"), (3, "counter")]
    other = await bureau.load("openings", [part("z", "2025", "current", "7")])
    assert await town.balance(arrived) == 30_700, "another part is another opening"
    await taken_back(bureau, town, other.run)
    await taken_back(bureau, town, report.run)
    assert (await bureau.load("openings", again)).counts.written == 2, "what was taken back is not"
    assert await town.faults() == []


async def test_a_control_total_must_agree(bureau: Bureau, town: Town) -> None:
    await newcomer(bureau, town)
    rows = [
        part("a", "2025", "carried", "300"),
        opening("b", counter="employee_outpatient_deductible", value="1700"),
        opening("t1", "total", person="", year="2025", origin="carried", value="300"),
        opening(
            "t2", "total", person="", counter="employee_outpatient_deductible", value="1700.01"
        ),
    ]
    report = await bureau.load("openings", rows)
    assert (report.loaded, cells_of(bureau.told)) == (False, [(5, "value")])
    rows[-1]["value"] = "1700"
    assert (await bureau.load("openings", rows)).loaded


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"counter": "shoe_size", "value": "1"}, "counter"),
        ({"counter": "employee_outpatient_deductible"}, "value"),
        ({"counter": "employee_outpatient_deductible", "value": "-1"}, "value"),
        ({"counter": "employee_outpatient_deductible", "value": "1", "classes": "l3"}, "classes"),
        ({"counter": "employee_outpatient_deductible", "value": "1", "scheme": "390"}, "scheme"),
        ({"what": "part", "year": "2025", "value": "1"}, "origin"),
        ({"what": "stay", "institution": TERTIARY}, "admitted_at"),
    ],
)
async def test_what_no_law_or_book_has_is_named(
    bureau: Bureau, town: Town, cells: dict[str, str], column: str
) -> None:
    await newcomer(bureau, town)
    await bureau.load("openings", [opening("a") | cells])
    assert cells_of(bureau.told) == [(2, column)]


def stay(key: str = "s", **cells: str) -> dict[str, str]:
    """A stay that goes on."""
    return (
        opening(
            key,
            "stay",
            scheme="310",
            institution=TERTIARY,
            admitted_at="2026-07-01 09:00:00",
            care_kind="21",
            stay_number="ZY9",
            diagnosis="J06.900",
            diagnosis_name="感冒",
            old_visit="OLD-1",
            deposit="2000",
            fees="512.30",
        )
        | cells
    )


async def test_a_stay_goes_on_over_the_day_of_go_live(bureau: Bureau, town: Town) -> None:
    arrived = await newcomer(bureau, town)
    await bureau.load("openings", [stay()])
    assert bureau.told == []
    async with town.database.reader(None) as connection:
        (found,) = await settlement.in_hospital(connection, TERTIARY, town.clock.now(), arrived)
    assert found.details == {
        "brought_from": SOURCE, "old_visit": "OLD-1", "deposit": "2000.00", "fees": "512.30",
    }  # fmt: skip
    await town.do(town.upload(found, stay_line("1", "5000", time=found.begin)))
    await town.do(town.discharge(found))
    settled = await town.do(town.stay_settlement(found, "5000"))
    assert settled.funds > 0


async def test_who_lies_in_hospital_already_is_not_admitted_again(
    bureau: Bureau, town: Town
) -> None:
    await newcomer(bureau, town)
    await bureau.load("openings", [stay()])
    await bureau.load("openings", [stay("again")])
    assert cells_of(bureau.told) == [(2, "admitted_at")]
    await bureau.load(
        "openings",
        [
            stay("x", diagnosis="?"),
        ],
    )
    assert cells_of(bureau.told) == [(2, "diagnosis")]


async def test_a_load_is_taken_back_while_nothing_was_settled_upon_it(
    bureau: Bureau, town: Town
) -> None:
    arrived = await newcomer(bureau, town)
    rows = [
        part("a", "2025", "carried", "300"),
        opening("b", counter="employee_outpatient_deductible", value="1700"),
        stay(),
    ]
    report = await bureau.load("openings", rows)
    assert await town.counters(arrived) != {}
    result = await taken_back(bureau, town, report.run)
    assert result["taken_back"] == 3
    assert await town.counters(arrived) == {}
    assert await town.balance(arrived) == 0
    async with town.database.reader(None) as connection:
        assert not await settlement.in_hospital(connection, TERTIARY, town.clock.now(), arrived)
    assert await town.faults() == []
    again = await bureau.load("openings", rows)
    assert (again.counts.written, bureau.told) == (3, [])


async def test_what_was_settled_upon_is_not_taken_back(bureau: Bureau, town: Town) -> None:
    arrived = await newcomer(bureau, town)
    report = await bureau.load("openings", [part("a", "2025", "carried", "300")])
    town.clock.move(timedelta(seconds=1))
    await town.bill(arrived, "100")
    with pytest.raises(Refused, match="已有结算"):
        await taken_back(bureau, town, report.run)
    assert await town.faults() == []


async def test_persons_are_taken_back_too(bureau: Bureau, town: Town) -> None:
    report = await bureau.load("persons", [person(1), person(2)])
    await taken_back(bureau, town, report.run)
    assert await bureau.count("registry.identity") == 0
    assert (await bureau.load("persons", [person(1)])).counts.written == 1


async def test_what_another_load_was_built_upon_is_not_taken_back(
    bureau: Bureau, town: Town
) -> None:
    report = await bureau.load("persons", [person(1)])
    town.clock.move(timedelta(seconds=1))
    upon = await bureau.load("enrolments", [enrolment(1)])
    with pytest.raises(Refused, match="参保"):
        await taken_back(bureau, town, report.run)
    await taken_back(bureau, town, upon.run)
    await taken_back(bureau, town, report.run)
    assert await bureau.count("registry.identity") == 0
    assert await bureau.count("registry.enrolment") == 0


async def test_what_a_clerk_changed_since_is_left_and_told(bureau: Bureau, town: Town) -> None:
    report = await bureau.load("persons", [person(1), person(2), person(3)])
    town.clock.move(timedelta(seconds=1))
    upon = await bureau.load("enrolments", [enrolment(1), enrolment(2)])
    town.clock.move(timedelta(seconds=1))
    found = await bureau.insured(1)
    granted = SpecialIdentity(IdentityKind("2303"), None, Period(date(2026, 7, 1)))
    async with town.database.writer() as connection, connection.transaction():
        await people.grant_special_identity(
            connection, found.identity.id, granted, now=town.clock.now()
        )
    changed = await bureau.insured(1)
    result = await taken_back(bureau, town, upon.run)
    assert result["taken_back"] == 2, "what was granted changes no enrolment"
    result = await taken_back(bureau, town, report.run)
    assert (result["taken_back"], result["left"], result["left_rows"]) == (2, ["P1"], 1)
    assert (await bureau.insured(1)).identity == changed.identity, "it stands upon the person"
    assert await bureau.count("registry.identity") == 1
    again = await bureau.load("persons", [person(1), person(2)])
    assert (again.counts.written, again.counts.unchanged) == (1, 1)


async def test_an_enrolment_that_a_clerk_ended_since_is_left(bureau: Bureau, town: Town) -> None:
    await bureau.load("persons", [person(1), person(2)])
    town.clock.move(timedelta(seconds=1))
    upon = await bureau.load("enrolments", [enrolment(1), enrolment(2)])
    town.clock.move(timedelta(seconds=1))
    found = await bureau.insured(1)
    async with town.database.writer() as connection, connection.transaction():
        await people.change_person_type(
            connection,
            Pool(POOL),
            found.membership.number,
            Scheme("310"),
            PersonType("1201"),
            date(2026, 7, 1),
            now=town.clock.now(),
        )
    before = await bureau.insured(1)
    result = await taken_back(bureau, town, upon.run)
    assert (result["taken_back"], result["left"]) == (1, [enrolment(1)["source_key"]])
    assert await bureau.insured(1) == before
    assert (await bureau.insured(2)).enrolments == ()


async def test_taking_a_change_back_lets_the_first_hold_again(bureau: Bureau, town: Town) -> None:
    await bureau.registered(1)
    before = await bureau.insured(1)
    town.clock.move(timedelta(seconds=1))
    changed = replace_start(enrolment(1), "2022-01-01")
    report = await bureau.load("enrolments", [changed])
    assert await bureau.insured(1) != before
    await taken_back(bureau, town, report.run)
    assert await bureau.insured(1) == before
    again = await bureau.load("enrolments", [enrolment(1)])
    assert again.counts.unchanged == 1


def replace_start(row: dict[str, str], day: str) -> dict[str, str]:
    """The row from another day on."""
    return row | {"from": day}


async def taken_back(bureau: Bureau, town: Town, run: int | None) -> dict[str, object]:
    """Undo a run, as the bureau's office does."""
    assert run is not None
    town.clock.move(timedelta(seconds=1))
    async with town.database.writer() as connection, connection.transaction():
        unit = Unit(Pool(POOL), connection, town.clock.now(), town.numbers)
        return await undo(unit, bureau.vault, bureau.references, run)
