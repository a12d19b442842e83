"""The filled world, in a real database."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.policy.builders import packaged_laws
from tests.sandbox.builders import NOW, VAULT
from yibao.kernel.periods import business_date
from yibao.ledger import service as ledger
from yibao.platform.database import Database
from yibao.policy.terms import EMPLOYEE, RESIDENT
from yibao.registry.credentials import service as credentials
from yibao.registry.credentials.model import Holder
from yibao.registry.people import service as people
from yibao.sandbox.accounts import accounts
from yibao.sandbox.population import member_number, population
from yibao.sandbox.world import SEED, fill, is_filled


async def shown(world: Database, now: datetime = NOW) -> dict[str, Any]:
    return await accounts(
        world, VAULT, packaged_laws(), base_url="http://x", now=now, persons_an_area=60
    )


async def test_an_empty_platform_is_filled_once(database: Database) -> None:
    assert not await is_filled(database)
    told: list[tuple[str, int, int]] = []
    await fill(database, VAULT, NOW, lambda *step: told.append(step), persons_each=5)
    assert await is_filled(database)
    assert told[-1][1] == told[-1][2], "the progress ends at its end"
    before = await shown(database)
    await fill(database, VAULT, NOW, persons_each=5)
    assert await shown(database) == before, "filling again changes nothing, secrets included"


async def test_the_books_of_a_fresh_world_are_in_balance(world: Database) -> None:
    async with world.reader(None) as connection:
        assert await ledger.verify(connection) == []
        number = member_number("110000", 2)
        balances = await ledger.balances(connection, "110000", [number])
    servant = next(s for s in population(SEED, business_date(NOW), 1) if s.part == "civil_servant")
    assert sorted((part.origin, part.amount) for part in balances[number]) == sorted(
        (credit.origin, credit.amount) for credit in servant.credits[0]
    )


async def test_who_moved_is_found_with_both_memberships(world: Database) -> None:
    moved = next(s for s in population(SEED, business_date(NOW), 1) if s.part == "moved")
    async with world.reader(None) as connection:
        found = await people.find_by_document(connection, VAULT, "01", moved.person.document_number)
    assert {insured.membership.pool for insured in found} == {"110000", "430100"}
    assert len({insured.identity.id for insured in found}) == 1


async def test_in_each_area_an_account_pays_for_a_child_and_a_parent(world: Database) -> None:
    found = await shown(world)
    persons = {row["psn_no"]: row for row in found["persons"]}
    assert [(row["pool"], row["relation"]) for row in found["families"]] == [
        ("110000", "child"), ("110000", "parent"), ("430100", "child"), ("430100", "parent"),
    ]  # fmt: skip
    for row in found["families"]:
        assert Decimal(persons[row["owner"]]["balc"]) == Decimal("4500.00")
        assert Decimal(persons[row["relative"]]["balc"]) == 0


async def test_accounts_list_what_the_interface_needs(world: Database) -> None:
    found = json.loads(json.dumps(await shown(world)))
    assert found["base_url"] == "http://x"
    for pool in ("110000", "430100"):
        hospitals = [
            row
            for row in found["institutions"]
            if row["pool"] == pool
            and row["fixmedins_code"].startswith("H")
            and row["auth"]["family"] == "x-tif"
        ]
        assert len(hospitals) >= 2
        assert sum(row["pool"] == pool for row in found["persons"]) >= 40
        assert sum(row["pool"] == pool for row in found["items"]) >= 60
    for row in found["institutions"]:
        assert set(row) == {
            *("fixmedins_code", "fixmedins_name", "level", "kind", "admdvs", "pool", "auth")
        }
        assert set(row["auth"]) == {"family", "id", "secret"}
        assert all(row["auth"].values())
    assert {
        "psn_no",
        "psn_name",
        "psn_cert_type",
        "certno",
        "card_no",
        "card_sn",
        "gend",
        "brdy",
        "insutype",
    } | {*("psn_type", "insuplc_admdvs", "pool", "balc", "accumulated")} == set(found["persons"][0])


async def test_both_areas_list_a_pharmacy_with_a_key(world: Database) -> None:
    shops = [row for row in (await shown(world))["institutions"] if row["kind"] == "pharmacy"]
    assert {row["pool"] for row in shops} == {"110000", "430100"}


async def test_the_cards_that_are_listed_are_their_persons(world: Database) -> None:
    found = await shown(world)
    async with world.reader(None) as connection:
        for row in found["persons"][::20]:
            holder = await credentials.holder_of_card(
                connection, VAULT, row["card_no"], row["card_sn"], day=business_date(NOW)
            )
            known = await people.find_by_document(connection, VAULT, "01", row["certno"])
            assert holder == Holder(known[0].identity.id, valid=True)


async def test_amounts_are_decimal_text(world: Database) -> None:
    found = await shown(world)
    for row in found["items"]:
        for field in ("pric", "pric_uplmt_amt", "selfpay_prop"):
            assert isinstance(row[field], str)
            assert Decimal(row[field]) >= 0
    for row in found["persons"]:
        assert isinstance(row["balc"], str)
        assert set(row["accumulated"].values()) == {"0.00"}


async def test_a_suspended_institution_is_not_listed(world: Database) -> None:
    listed = {row["fixmedins_name"] for row in (await shown(world))["institutions"]}
    assert "演示京三医院" in listed
    assert "演示京六医院" not in listed


async def test_only_who_may_be_settled_today_is_listed(world: Database) -> None:
    found = await shown(world)
    today = business_date(NOW)
    for pool in ("110000", "430100"):
        rows = [row for row in found["persons"] if row["pool"] == pool]
        async with world.reader(None) as connection:
            known = await people.load_members(
                connection, VAULT, pool, [row["psn_no"] for row in rows]
            )
        for row in rows:
            insured = known[row["psn_no"]]
            assert row["insutype"] in {EMPLOYEE, RESIDENT}
            assert insured.membership.period.holds(today)
            assert insured.entitlement_on(row["insutype"], today) == "full"
    parts = {s.person.document_number: s.part for s in population(SEED, today, 1)}
    listed = {parts.get(row["certno"], "") for row in found["persons"]}
    assert {"moved", "two_schemes", "civil_servant"} <= listed
    assert not {"arrears", "not_entitled"} & listed


async def test_two_schemes_are_two_rows_of_one_person(world: Database) -> None:
    found = await shown(world)
    numbers = [row["psn_no"] for row in found["persons"]]
    twice = {number for number in numbers if numbers.count(number) == 2}
    assert member_number("430100", 1) in twice


async def test_accounts_still_serve_in_the_years_after(world: Database) -> None:
    later = await shown(world, NOW.replace(year=2027, month=1, day=1))
    assert sum(row["pool"] == "110000" for row in later["persons"]) >= 40
