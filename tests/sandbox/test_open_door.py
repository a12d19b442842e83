"""The open door: whoever knocks is let in, once, and the closed door stays closed."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.builders import Counter
from tests.gateway.builders import counter as opened
from tests.policy.builders import packaged_laws
from tests.settlement.builders import Town
from tests.settlement.builders import town as laid_out
from tests.web.builders import Sandbox
from tests.web.builders import sandbox as built
from yibao.kernel.areas import Division
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode
from yibao.platform.database import Database
from yibao.platform.settings import SettingsFault, load_settings
from yibao.policy.terms import EMPLOYEE, PersonType
from yibao.registry.catalogue.model import Catalogue
from yibao.registry.institutions.model import Directory
from yibao.registry.laws.model import LawsInForce
from yibao.registry.service import Reference
from yibao.sandbox.open_door import traits_needed
from yibao.sandbox.people import retired_on

STRANGER = "H51010000001"
WRONG = {
    "x-tif-paasid": "nobody",
    "x-tif-timestamp": "1",
    "x-tif-nonce": "n",
    "x-tif-signature": "0",
}
SIGN_IN = {"signIn": {"opter_no": "1", "ip": "1", "mac": "1"}}


@pytest.fixture
async def town(database: Database) -> AsyncIterator[Town]:
    async with laid_out(database) as town:
        yield town


@pytest.fixture
async def open_sandbox(town: Town, tmp_path: Path) -> AsyncIterator[Sandbox]:
    """A sandbox whose door is open."""
    async with opened(town) as counter, built(counter, tmp_path, open_door=True) as ready:
        yield ready


@pytest.fixture
def stranger(open_sandbox: Sandbox) -> Counter:
    """A counter that nobody knows."""
    open_sandbox.counter.institution = STRANGER
    return open_sandbox.counter


async def rows(town: Town, table: str) -> int:
    async with town.database.reader(None) as connection:
        return int(await connection.fetchval(f"SELECT count(*) FROM registry.{table}"))


def shown(kind: str, number: str, **more: str) -> dict[str, Any]:
    return {"data": {"mdtrt_cert_type": kind, "mdtrt_cert_no": number, **more}}


# ---------------------------------------------------------------------------------------- senders


@pytest.mark.parametrize("headers", [WRONG, {}, {"_api_access_key": "x"}])
async def test_any_sender_comes_in(open_sandbox: Sandbox, headers: dict[str, str]) -> None:
    counter = open_sandbox.counter
    body = json.dumps(counter.envelope("9001", SIGN_IN)).encode()
    assert (await counter.post(body, headers=headers))["infcode"] == 0


async def test_what_was_wrong_is_still_told(open_sandbox: Sandbox) -> None:
    counter = open_sandbox.counter
    body = json.dumps(counter.envelope("9001", SIGN_IN)).encode()
    await counter.post(body, headers=WRONG)
    page = await open_sandbox.page(f"/ui/messages/{await open_sandbox.newest()}")
    assert "nobody" in page
    assert "可能的原因" in page


async def test_a_known_sender_may_speak_for_others_too(stranger: Counter) -> None:
    await stranger.done("9001", SIGN_IN)


# ----------------------------------------------------------------------------------- institutions


@pytest.mark.parametrize("code", [STRANGER, "clinic-7", "P4403000001", "1", "A.b_c-" + "9" * 24])
async def test_any_institution_is_designated_on_first_sight(
    stranger: Counter, town: Town, code: str
) -> None:
    before = await rows(town, "institution")
    stranger.institution = code
    for message in ("first", "second"):
        await stranger.done("9001", SIGN_IN, message=message)
    assert await rows(town, "institution") == before + 1


@pytest.mark.parametrize("code", ["*", "a,b", "医院", "a b"])
async def test_a_code_that_could_mean_others_stays_unknown(stranger: Counter, code: str) -> None:
    stranger.institution = code
    assert (await stranger.refused("9001", SIGN_IN))[0] == RefusalCode.INSTITUTION_UNKNOWN


async def test_a_guest_sees_no_other_institution(open_sandbox: Sandbox, town: Town) -> None:
    counter = open_sandbox.counter
    member = await town.insure()
    visit = await counter.open_visit(member)
    counter.institution = "guest.1"
    ask = {"data": {"psn_no": member, "mdtrt_id": visit}}
    assert (await counter.refused("5202", ask))[0] == RefusalCode.VISIT_UNKNOWN


async def test_many_at_once_make_no_twins(stranger: Counter, town: Town) -> None:
    people, places = await rows(town, "identity"), await rows(town, "institution")
    answers = await asyncio.gather(
        *(stranger.call("1101", shown("02", "510101199001011234")) for _ in range(12))
    )
    assert {answer["infcode"] for answer in answers} == {0}
    assert len({answer["output"]["baseinfo"]["psn_no"] for answer in answers}) == 1
    assert await rows(town, "identity") == people + 1
    assert await rows(town, "institution") == places + 1


# ----------------------------------------------------------------------------------------- people


@pytest.mark.parametrize(
    "content",
    [
        shown("02", "510101199001011234"),
        shown("02", "passport E12345"),
        shown("03", "any card", card_sn="any serial"),
        shown("01", "any/token+of=any shape"),
        shown("2", "510101900101123"),
    ],
)
async def test_any_voucher_has_a_person_and_the_same_one_again(
    stranger: Counter, content: dict[str, Any]
) -> None:
    first = await stranger.done("1101", content)
    again = await stranger.done("1101", content)
    assert first["baseinfo"]["psn_no"] == again["baseinfo"]["psn_no"]
    assert str(first["insuinfo"][0]["balc"]) == "5000.00"


async def test_birth_sex_and_scheme_come_from_the_identity_number(stranger: Counter) -> None:
    born = stranger.town.clock.now().year - 9
    child = await stranger.done("1101", shown("02", f"51010120{born % 100:02d}01011228"))
    assert child["baseinfo"]["brdy"] == f"{born}-01-01"
    assert child["baseinfo"]["gend"] == "2"
    assert child["insuinfo"][0]["insutype"] == "390"
    adult = await stranger.done("1101", shown("02", "510101196001011214", psn_name="测试访客"))
    assert adult["baseinfo"]["psn_name"] == "测试访客"
    assert adult["insuinfo"][0]["psn_type"] == "1201"


async def test_a_foreign_person_number_goes_through_a_whole_bill(stranger: Counter) -> None:
    member = "51010099-foreign"
    stranger.town.documents[member] = "510101199001011234"
    registration = stranger.registration(
        member, mdtrt_cert_type="02", mdtrt_cert_no="510101199001011234"
    )
    output = await stranger.done("2201", registration, insuplc_admdvs="510100")
    visit = output["data"]["mdtrt_id"]
    await stranger.done("2203", stranger.description(member, visit))
    priced = await stranger.charge(member, visit, ("XA01", "100.00"))
    settled = await stranger.done("2207", stranger.settlement(member, visit, priced))
    assert settled["setlinfo"]["psn_no"] == member
    found = await stranger.done("5206", {"data": {"psn_no": member, "cum_ym": ""}})
    assert found is not None


async def test_a_person_first_named_by_number_is_known_by_a_later_document(
    stranger: Counter, town: Town
) -> None:
    member = "foreign-1"
    ask = {"psn_no": member, "insutype": "310", "fixmedins_code": STRANGER, "med_type": "11"}
    await stranger.done("2001", {"data": {**ask, "begntime": "2026-07-15"}})
    people = await rows(town, "membership")
    await stranger.done(
        "2201",
        stranger.registration(member, mdtrt_cert_no="510101199001011234"),
    )
    found = await stranger.done("1101", shown("02", "510101199001011234"))
    assert found["baseinfo"]["psn_no"] == member
    assert await rows(town, "membership") == people


async def test_a_name_that_no_message_had_told_is_learned_once(stranger: Counter) -> None:
    shown = {"mdtrt_cert_type": "02", "mdtrt_cert_no": "320105199003077777"}
    first = (await stranger.done("1101", {"data": shown}))["baseinfo"]
    named = {"data": {**shown, "psn_name": "李四"}}
    second = (await stranger.done("1101", named))["baseinfo"]
    assert second == first | {"psn_name": "李四"}
    other = {"data": {**shown, "psn_name": "王五"}}
    assert (await stranger.refused("1101", other))[0] == RefusalCode.PERSON_DIFFERS


async def test_the_same_token_is_the_same_person_at_every_institution(
    stranger: Counter, town: Town
) -> None:
    token = shown("01", "one token for two")
    first = await stranger.done("1101", token)
    people = await rows(town, "membership")
    stranger.institution = "P51010000009"
    second = await stranger.done("1101", token)
    assert second["baseinfo"] == first["baseinfo"]
    assert await rows(town, "membership") == people


async def test_a_cards_serial_is_the_one_told_last(stranger: Counter) -> None:
    member = "51010099-carded"
    registration = stranger.registration(member, mdtrt_cert_type="03", mdtrt_cert_no="a card")
    await stranger.done("2201", registration, insuplc_admdvs="510100")
    for serial in ("first", "second"):
        found = await stranger.done("1101", shown("03", "a card", card_sn=serial))
        assert found["baseinfo"]["psn_no"] == member


def test_a_retired_guest_retired_on_a_day() -> None:
    born, today = date(1950, 2, 28), date(2026, 7, 15)
    assert retired_on(PersonType("1201"), born, today) == date(2010, 2, 28)
    assert retired_on(PersonType("1201"), date(1980, 1, 1), today) == today
    assert retired_on(PersonType("1101"), born, today) is None


async def test_an_item_that_our_few_do_not_hold_is_charged_at_own_expense(
    stranger: Counter,
) -> None:
    member = (await stranger.done("1101", shown("02", "510101199001011234")))["baseinfo"]["psn_no"]
    stranger.town.documents[member] = "510101199001011234"
    visit = await stranger.open_visit(member)
    [unknown] = await stranger.charge(member, visit, ("XC07ABM068A001010304577", "100.00"))
    assert unknown["chrgitm_lv"] == "03"
    assert str(unknown["fulamt_ownpay_amt"]) == "100.00"
    settled = await stranger.done("2207", stranger.settlement(member, visit, [unknown]))
    assert str(settled["setlinfo"]["fulamt_ownpay_amt"]) == "100.00"
    assert str(settled["setlinfo"]["fund_pay_sumamt"]) == "0.00"


async def test_known_people_stay_as_they_are(open_sandbox: Sandbox, town: Town) -> None:
    member = await town.insure(account="12.00")
    people = await rows(town, "identity")
    counter = open_sandbox.counter
    await counter.open_visit(member)
    found = await counter.done("1101", shown("02", town.documents[member]))
    assert found["baseinfo"]["psn_no"] == member
    assert str(found["insuinfo"][0]["balc"]) == "12.00"
    assert await rows(town, "identity") == people


# ----------------------------------------------------------------------------------------- closed


async def test_the_closed_door_lets_nobody_in(town: Town, tmp_path: Path) -> None:
    async with opened(town) as counter, built(counter, tmp_path):
        people, places = await rows(town, "identity"), await rows(town, "institution")
        code, _ = await counter.refused("1101", shown("02", "510101199001011234"))
        assert code == RefusalCode.PERSON_UNKNOWN
        counter.institution = STRANGER
        code, _ = await counter.refused("9001", SIGN_IN)
        assert code == RefusalCode.INSTITUTION_UNKNOWN
        assert (people, places) == (await rows(town, "identity"), await rows(town, "institution"))


def test_only_a_sandbox_may_open_its_door() -> None:
    with pytest.raises(SettingsFault, match="sandbox alone"):
        load_settings({"open_door": True}, {})
    assert load_settings({"open_door": True, "sandbox": True}, {}).open_door


def test_a_guest_has_the_words_that_a_law_cannot_do_without() -> None:
    laws = LawsInForce(0, packaged_laws(), {})
    reference = Reference(Catalogue(0, {}, {}, frozenset()), Directory(0, {}, {}, {}, {}, {}), laws)

    def words(division: str) -> list[str]:
        found = traits_needed(reference, Division(division), EMPLOYEE, Period(date(2026, 1, 1)))
        return [trait.word for trait in found]

    assert words("440300") == ["tier_2"]
    assert words("110000") == []
    assert words("510100") == [], "whoever has no word is in the class of all others there"
