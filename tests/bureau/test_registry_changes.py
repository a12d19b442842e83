"""What two clerks change of persons, institutions and catalogue, and which bills that touches."""

from datetime import date, timedelta

import pytest

from tests.bureau.builders import Bureau
from tests.settlement.builders import CEILED, CLASS_A, CLINIC, EMPLOYEE, POOL, TERTIARY, Town
from yibao.bureau.kinds import kinds
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.terms import Scheme
from yibao.registry.people import service as people
from yibao.registry.people.model import Insured

TODAY = date(2026, 7, 15)


async def insured(town: Town, member: str) -> Insured:
    """A member as known now."""
    async with town.database.reader(None) as connection:
        return (await people.load_members(connection, town.vault, POOL, [member]))[member]


def admission(**changes: str) -> dict[str, str]:
    """A clerk's form of a new person."""
    form = {
        "pool": POOL, "document_type": "01", "document_number": "990101198001010110",
        "name": "测试新人", "gender": "1", "birth_date": "1980-01-01", "scheme": "310",
        "division": "110000", "person_type": "1101", "from": "2026-01-01",
    }  # fmt: skip
    return form | changes


async def test_a_person_is_admitted_and_billed(bureau: Bureau, town: Town) -> None:
    result = await bureau.carry_out("persons.admit", **admission(number="OLD7"))
    assert result == {"member": "OLD7"}
    assert (await insured(town, "OLD7")).identity.name == "测试新人"
    with pytest.raises(Refused) as again:
        await bureau.carry_out("persons.admit", **admission(name="测试别名"))
    assert again.value.refusal.code is RefusalCode.PERSON_DIFFERS


async def test_every_kind_here_needs_two_clerks() -> None:
    own = [k for k in kinds().values() if k.name.split(".")[0] in {"persons", "institutions"}]
    assert len(own) > 10
    assert all(kind.four_eyes for kind in own)


async def test_a_retirement_that_reaches_back_names_the_bills_it_touches(
    bureau: Bureau, town: Town
) -> None:
    member = await town.insure(birth=date(1964, 1, 1))
    bill = await town.bill(member, "3000")
    result = await bureau.carry_out(
        "persons.change_type", pool=POOL, member=member, scheme="310", person_type="1201",
        **{"from": "2026-07-01"}, retired_on="2026-06-30",
    )  # fmt: skip
    assert bill.key is not None
    (touched,) = result["affected"]
    assert touched["settlement"] == bill.key.text()
    assert "person_type" in touched["causes"]
    assert touched["differences"]
    enrolment = (await insured(town, member)).enrolment_on(EMPLOYEE, TODAY)
    assert enrolment is not None
    assert enrolment.retired_on == date(2026, 6, 30)


async def test_a_change_ahead_touches_nothing(bureau: Bureau, town: Town) -> None:
    member = await town.insure()
    await town.bill(member, "3000")
    result = await bureau.carry_out(
        "persons.change_type", pool=POOL, member=member, scheme="310", person_type="1201",
        **{"from": "2026-08-01"},
    )  # fmt: skip
    assert result == {"affected": []}


async def test_names_are_corrected_and_nobody_is_made_another(bureau: Bureau, town: Town) -> None:
    one, two = await town.insure(), await town.insure()
    await bureau.carry_out("persons.correct", pool=POOL, member=one, name="测试改名")
    assert (await insured(town, one)).identity.name == "测试改名"
    assert (await insured(town, one)).identity.document_number == town.documents[one]
    with pytest.raises(Refused) as taken:
        await bureau.carry_out(
            "persons.correct", pool=POOL, member=one, document_number=town.documents[two]
        )
    assert taken.value.refusal.code is RefusalCode.PERSON_DIFFERS


async def test_enrolment_ends_with_its_entitlement(bureau: Bureau, town: Town) -> None:
    member = await town.insure()
    content = {"pool": POOL, "member": member, "scheme": "310", "from": "2026-07-01"}
    await bureau.carry_out("persons.end_enrolment", **content)
    found = await insured(town, member)
    assert found.enrolment_on(EMPLOYEE, date(2026, 6, 30)) is not None
    assert found.enrolment_on(EMPLOYEE, TODAY) is None
    assert found.entitlement_on(EMPLOYEE, TODAY) == "none"
    with pytest.raises(Refused):
        await bureau.carry_out("persons.end_enrolment", **(content | {"scheme": "390"}))
    await bureau.carry_out(
        "persons.enrol", pool=POOL, member=member, scheme="390", division="110000",
        person_type="1501", **{"from": "2026-07-01"},
    )  # fmt: skip
    assert (await insured(town, member)).enrolment_on(Scheme("390"), TODAY) is not None


async def test_a_death_ends_everything(bureau: Bureau, town: Town) -> None:
    member = await town.insure()
    form = {"pool": POOL, "member": member}
    with pytest.raises(Refused):
        await bureau.carry_out("persons.death", **form, died_on="2026-07-16")
    await bureau.carry_out("persons.death", **form, died_on="2026-07-01")
    found = await insured(town, member)
    assert found.identity.died_on == date(2026, 7, 1)
    assert found.entitlement_on(EMPLOYEE, TODAY) == "none"


async def test_identities_entitlements_and_filings_are_noted(bureau: Bureau, town: Town) -> None:
    member = await town.insure()
    form = {"pool": POOL, "member": member, "from": "2026-07-01"}
    await bureau.carry_out("persons.grant_identity", **form, identity="2303")
    await bureau.carry_out(
        "persons.entitle", **form, scheme="310", extent="account_only", why="欠费"
    )
    await bureau.carry_out("persons.file_care", **form, care="long_term", place="430100")
    await bureau.carry_out("persons.file_disease", **form, code="M03900", name="高血压")
    await bureau.carry_out(
        "persons.choose_institution", **form, institution=TERTIARY, business="03"
    )
    found = await insured(town, member)
    assert found.identities_on(TODAY) == ("2303",)
    assert found.entitlement_on(EMPLOYEE, TODAY) == "account_only"
    assert found.filing_on("430102", TODAY) == "long_term"
    assert [one.code for one in found.diseases_on(TODAY)] == ["M03900"]
    assert [one.institution for one in found.designated_on(TODAY)] == [TERTIARY]
    await bureau.carry_out(
        "persons.end_identity", **(form | {"from": "2026-07-10"}), identity="2303"
    )
    assert (await insured(town, member)).identities_on(TODAY) == ()


async def test_an_institutions_level_changes_by_date(bureau: Bureau, town: Town) -> None:
    await bump(town)
    member = await town.insure()
    bill = await town.bill(member, "3000", CLINIC)
    result = await bureau.carry_out(
        "institutions.change", pool=POOL, institution=CLINIC, level="l3",
        **{"from": "2026-07-01"},
    )  # fmt: skip
    assert bill.key is not None
    assert [one["settlement"] for one in result["affected"]] == [bill.key.text()]
    town.clock.move(timedelta(minutes=1))
    form = {"pool": POOL, "institution": TERTIARY, "from": "2026-07-15"}
    await bureau.carry_out("institutions.suspend", **form)
    refusal = await town.refused(town.registration(member))
    assert refusal.code is RefusalCode.INSTITUTION_SUSPENDED
    await bureau.carry_out("institutions.resume", **form)
    await town.bill(member, "10")
    with pytest.raises(Refused):
        await bureau.carry_out("institutions.suspend", **(form | {"pool": "430100"}))


async def test_the_catalogue_changes_by_date_and_names_the_bills(
    bureau: Bureau, town: Town
) -> None:
    await bump(town)
    member = await town.insure()
    bill = await town.bill(member, "3000")
    assert bill.key is not None
    result = await bureau.carry_out(
        "catalogue.reclassify",
        item=CLASS_A,
        first_pay="0.2",
        **{"class": "02", "from": "2026-07-01"},
    )
    assert [one["settlement"] for one in result["affected"]] == [bill.key.text()]
    ahead = {"from": "2026-09-01"}
    result = await bureau.carry_out("catalogue.reprice", item=CEILED, ceiling="3.5", **ahead)
    assert result == {"affected": []}
    with pytest.raises(Refused):
        await bureau.carry_out("catalogue.reprice", item="NOSUCH", ceiling="3.5", **ahead)


async def bump(town: Town) -> None:
    """Get past the version that the town counted by hand."""
    async with town.database.writer() as connection:
        await connection.execute("SELECT nextval('registry.version_number')")
