"""Two files of one human become one, and an exchanged document still finds him."""

from datetime import date

import pytest

from tests.bureau.builders import Bureau
from tests.settlement.builders import EMPLOYEE, POOL, Town, key_of
from tests.settlement.laws import SPENT, capped, law, let_count
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.terms import IdentityKind
from yibao.registry.merging import service as files
from yibao.registry.people import service as people
from yibao.registry.people.model import Insured, SpecialIdentity

NEW = "990101198001019999"


async def found_by(town: Town, document: str) -> dict[str, Insured]:
    """Who is found by an identity card, by person number."""
    async with town.database.reader(None) as connection:
        found = await people.find_by_document(connection, town.vault, "01", document)
    return {insured.membership.number: insured for insured in found}


async def insured_as(town: Town, member: str) -> Insured:
    """A member as known now."""
    async with town.database.reader(None) as connection:
        return (await people.load_members(connection, town.vault, POOL, [member]))[member]


async def merged(bureau: Bureau) -> tuple[str, str]:
    """Two members with a bill each, made one; the kept and the closed number."""
    town = bureau.town
    await let_count(town, law(capped("60"), counters=SPENT))
    kept, gone = await town.insure(), await town.insure(account="300")
    await town.bill(kept, "40")
    await town.bill(gone, "50")
    await bureau.carry_out("files.merge", pool=POOL, kept=kept, gone=gone)
    return kept, gone


async def test_both_documents_find_the_one_file(bureau: Bureau) -> None:
    town = bureau.town
    kept, gone = await town.insure(), await town.insure()
    was = (await insured_as(town, gone)).identity.id
    result = await bureau.carry_out("files.merge", pool=POOL, kept=kept, gone=gone)
    assert (result["moved"], result["ended"]) == ([gone], [gone])
    by_kept = await found_by(town, town.documents[kept])
    by_gone = await found_by(town, town.documents[gone])
    assert by_kept == by_gone
    assert set(by_kept) == {kept, gone}
    human = by_kept[kept].identity.id
    assert by_kept[gone].identity.id == human
    async with town.database.reader(None) as connection:
        assert await files.kept_file(connection, was) == human, "the old id points to the new one"


async def test_counters_and_account_go_over_and_the_bills_are_listed(bureau: Bureau) -> None:
    town = bureau.town
    await let_count(town, law(capped("60"), counters=SPENT))
    kept, gone = await town.insure(), await town.insure(account="300")
    first, second = await town.bill(kept, "40"), await town.bill(gone, "50")
    before = await town.balance(gone)
    result = await bureau.carry_out("files.merge", pool=POOL, kept=kept, gone=gone)
    assert {one["settlement"] for one in result["affected"]} == {
        key_of(first).text(),
        key_of(second).text(),
    }
    assert await town.counters(kept) == {"spent@2026": first.funds + second.funds}
    assert await town.counters(gone) == {}
    assert (await town.balance(kept), await town.balance(gone)) == (before, 0)
    assert await bureau.faults() == []


async def test_the_next_bill_finds_what_both_files_had_used(bureau: Bureau) -> None:
    kept, gone = await merged(bureau)
    settled = await bureau.town.bill(kept, "100")
    assert settled.funds == 6000 - 2000 - 2500
    refusal = await bureau.town.refused(bureau.town.registration(gone))
    assert refusal.code is RefusalCode.NOT_ENROLLED


async def test_special_identities_go_over(bureau: Bureau) -> None:
    town = bureau.town
    kept, gone = await town.insure(), await town.insure()
    poor = SpecialIdentity(IdentityKind("2303"), None, Period(date(2026, 1, 1)))
    async with town.database.writer() as connection, connection.transaction():
        identity = (await insured_as(town, gone)).identity.id
        await people.grant_special_identity(connection, identity, poor, now=town.clock.now())
    await bureau.carry_out("files.merge", pool=POOL, kept=kept, gone=gone)
    assert (await insured_as(town, kept)).special_identities == (poor,)


async def test_files_that_say_different_things_are_not_merged(bureau: Bureau) -> None:
    town = bureau.town
    kept, gone = await town.insure(), await town.insure(birth=date(1981, 1, 1))
    for other, told in ((gone, "出生日期"), (kept, "同一份个人档案")):
        with pytest.raises(Refused) as refused:
            await bureau.carry_out("files.merge", pool=POOL, kept=kept, gone=other)
        assert refused.value.refusal.code is RefusalCode.FILES_DIFFER
        assert told in refused.value.refusal.message


async def test_an_exchanged_document_still_finds_the_person(bureau: Bureau) -> None:
    town = bureau.town
    member = await town.insure()
    content = {"pool": POOL, "member": member, "document_type": "01", "document_number": NEW}
    await bureau.carry_out("files.exchange_document", **content, name="测试改名")
    by_old, by_new = await found_by(town, town.documents[member]), await found_by(town, NEW)
    assert by_old == by_new
    identity = by_new[member].identity
    assert (identity.document_number, identity.name) == (NEW, "测试改名")


async def test_another_ones_document_is_refused(bureau: Bureau) -> None:
    town = bureau.town
    member, other = await town.insure(), await town.insure()
    with pytest.raises(Refused) as refused:
        await bureau.carry_out(
            "files.exchange_document",
            pool=POOL,
            member=member,
            document_type="01",
            document_number=town.documents[other],
        )
    assert refused.value.refusal.code is RefusalCode.FILES_DIFFER
    assert (await insured_as(town, member)).enrolment_on(EMPLOYEE, date(2026, 7, 1)) is not None
