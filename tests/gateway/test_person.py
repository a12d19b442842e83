"""Who a person is and what the person may use."""

from datetime import date
from decimal import Decimal
from typing import Any

from tests.gateway.builders import Counter, Json
from tests.settlement.builders import BEIJING, OTHER_TERTIARY, PHARMACY, POOL
from yibao.kernel.areas import Division, Pool
from yibao.kernel.frozen import replace
from yibao.kernel.periods import Period
from yibao.policy.terms import EntitlementExtent, IdentityKind, PersonType, Scheme
from yibao.registry.people import service as people
from yibao.registry.people.model import Enrolment, NewMembership, NewPerson, SpecialIdentity

CARD = "990101198001010001"
CHANGSHA = Division("430100")


def shown(number: str = CARD, **changes: Any) -> Json:
    """``input`` of 1101 with an identity card."""
    return {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": number} | changes}


def asked(member: str, **changes: Any) -> Json:
    """``input`` of 2001."""
    data = {
        "psn_no": member,
        "insutype": "310",
        "fixmedins_code": "H11000000001",
        "med_type": "11",
        "begntime": "2026-07-15 12:00:00",
    }
    return {"data": data | changes}


async def admit(counter: Counter, *memberships: NewMembership) -> list[str]:
    """Admit one human with these memberships; the members' numbers."""
    person = NewPerson(
        "01", "990101197001010009", "迁居", "2", date(1970, 1, 1), tuple(memberships)
    )
    async with counter.town.database.writer() as connection, connection.transaction():
        (admitted,) = await people.admit(
            connection, counter.town.vault, [person], now=counter.town.clock.now()
        )
    return [membership.number for membership in admitted.memberships]


async def test_a_card_finds_the_person_and_the_insurance(counter: Counter) -> None:
    member = await counter.town.insure(account="123.45", carried="1")
    output = await counter.done("1101", shown())
    assert output["baseinfo"]["psn_no"] == member
    assert output["baseinfo"]["certno"] == CARD
    assert output["baseinfo"]["brdy"] == "1980-01-01"
    (insurance,) = output["insuinfo"]
    assert insurance["balc"] == Decimal("124.45")
    assert insurance["insutype"] == "310"
    assert insurance["psn_insu_stas"] == "1"
    assert insurance["insuplc_admdvs"] == "110000"
    assert insurance["paus_insu_date"] is None
    assert output["idetinfo"] == []


async def test_the_card_may_stand_in_the_document_fields(counter: Counter) -> None:
    member = await counter.town.insure()
    content = shown(CARD, mdtrt_cert_no="", certno=CARD.lower(), psn_cert_type="1")
    assert (await counter.done("1101", content))["baseinfo"]["psn_no"] == member


async def test_other_vouchers_unknown_cards_and_foreign_names_are_refused(
    counter: Counter,
) -> None:
    await counter.town.insure()
    assert (await counter.refused("1101", shown(mdtrt_cert_type="09")))[0] == 3002
    assert (await counter.refused("1101", shown("990101198001019999")))[0] == 3001
    assert (await counter.refused("1101", shown(psn_name="别人")))[0] == 3004
    assert (await counter.refused("1101", shown(certno="990101198001019999")))[0] == 3004
    assert (await counter.refused("1101", shown("")))[0] == 1010


async def test_one_who_moved_is_found_in_both_pools(counter: Counter) -> None:
    moved = date(2026, 5, 1)
    before, after = Period(date(2020, 1, 1), moved), Period(moved)
    numbers = await admit(
        counter,
        NewMembership(
            Pool("430100"),
            before,
            (Enrolment(Scheme("310"), CHANGSHA, PersonType("1101"), before, "长沙厂"),),
        ),
        NewMembership(POOL, after, (Enrolment(Scheme("390"), BEIJING, PersonType("1501"), after),)),
    )
    output = await counter.done("1101", shown("990101197001010009"))
    assert output["baseinfo"]["psn_no"] in numbers
    here, there = output["insuinfo"]
    assert (here["insutype"], here["psn_insu_stas"]) == ("390", "1")
    assert here["psn_no"] == output["baseinfo"]["psn_no"]
    assert here["psn_no"].startswith(POOL)
    assert (there["insutype"], there["psn_insu_stas"]) == ("310", "4")
    assert there["paus_insu_date"] == "2026-05-01"
    assert there["emp_name"] == "长沙厂"
    assert there["psn_no"].startswith("430100")


async def test_special_identities_are_listed_while_they_hold(counter: Counter) -> None:
    member = await counter.town.insure()
    async with counter.town.database.writer() as connection, connection.transaction():
        found = await people.load_members(connection, counter.town.vault, POOL, [member])
        for kind, period in (
            ("2303", Period(date(2026, 1, 1), date(2027, 1, 1))),
            ("2304", Period(date(2020, 1, 1), date(2021, 1, 1))),
        ):
            await people.grant_special_identity(
                connection,
                found[member].identity.id,
                SpecialIdentity(IdentityKind(kind), "1", period, "低保"),
                now=counter.town.clock.now(),
            )
    (identity,) = (await counter.done("1101", shown()))["idetinfo"]
    assert identity["psn_idet_type"] == "2303"
    assert identity["endtime"] == "2027-01-01 00:00:00"


async def test_the_entitlement_is_told_for_each_fund(counter: Counter) -> None:
    member = await counter.town.insure()
    rows = (await counter.done("2001", asked(member)))["trtinfo"]
    assert {row["fund_pay_type"]: row["trt_enjymnt_flag"] for row in rows} == {
        "330100": "1",
        "310200": "1",
    }
    assert all(row["trt_chk_type"] == "01" and row["psn_no"] == member for row in rows)


async def test_who_may_use_the_account_alone_is_told_so(counter: Counter) -> None:
    member = await counter.town.insure()
    async with counter.town.database.writer() as connection, connection.transaction():
        await people.set_entitlement(
            connection,
            POOL,
            member,
            replace(await _entitlement(counter, member), extent=EntitlementExtent.ACCOUNT_ONLY),
            now=counter.town.clock.now(),
        )
    rows = (await counter.done("2001", asked(member)))["trtinfo"]
    flags = {row["fund_pay_type"]: row["trt_enjymnt_flag"] for row in rows}
    assert flags == {"330100": "0", "310200": "1"}
    assert "个人账户" in next(row["trt_chk_rslt"] for row in rows if row["trt_chk_rslt"])


async def _entitlement(counter: Counter, member: str) -> Any:
    async with counter.town.database.reader(None) as connection:
        found = await people.load_members(connection, counter.town.vault, POOL, [member])
    return found[member].entitlements[0]


async def test_a_place_where_the_scheme_does_not_pay_is_told(counter: Counter) -> None:
    member = await counter.town.insure()
    counter.institution = PHARMACY
    content = asked(member, fixmedins_code=PHARMACY)
    rows = (await counter.done("2001", content))["trtinfo"]
    assert next(row for row in rows if row["fund_pay_type"] == "330100")["trt_enjymnt_flag"] == "0"


async def test_2001_refuses_strangers_and_other_schemes(counter: Counter) -> None:
    member = await counter.town.insure()
    assert (await counter.refused("2001", asked("1100009999999999999999999")))[0] == 3001
    assert (await counter.refused("2001", asked("x")))[0] == 3001
    assert (await counter.refused("2001", asked(member, insutype="390")))[0] == 3003
    assert (await counter.refused("2001", asked(member, fixmedins_code=PHARMACY)))[0] == 2011
    code, text = await counter.refused("2001", asked(member, med_type="99"))
    assert code == 5001
    assert "med_type" in text


async def test_the_envelopes_division_may_not_lie_in_another_pool(counter: Counter) -> None:
    member = await counter.town.insure()
    assert await counter.done("2001", asked(member), insuplc_admdvs="110000")
    for division in ("430100", "999999"):
        code, text = await counter.refused("2001", asked(member), insuplc_admdvs=division)
        assert code == 2013
        assert "insuplc_admdvs" in text


async def test_any_institution_may_ask_for_a_presented_voucher(counter: Counter) -> None:
    await counter.town.insure()
    counter.institution = OTHER_TERTIARY
    assert await counter.done("1101", shown())
