"""E-credentials and cards stand for the person who holds them, everywhere a document does."""

from datetime import date

import pytest

from tests.gateway.builders import Counter, Json
from tests.settlement.builders import OTHER_TERTIARY, POOL, TERTIARY
from yibao.kernel.periods import Period
from yibao.registry.credentials import service as credentials
from yibao.registry.people.service import load_members

CARD, SERIAL = "C99000001", "A1B2C3D4"


class Person:
    """A member with a card, and a telephone that shows codes."""

    def __init__(self, counter: Counter, member: str, identity: int) -> None:
        self.counter = counter
        self.member = member
        self.identity = identity

    async def code(self) -> str:
        town = self.counter.town
        async with town.database.writer() as connection:
            return await credentials.show_code(
                connection, town.vault, self.identity, now=town.clock.now()
            )

    async def token(self) -> str:
        output = await self.counter.done("1162", {"data": {"ecQrCode": await self.code()}})
        token: str = output["data"]["ecToken"]
        return token


@pytest.fixture
async def person(counter: Counter) -> Person:
    """A member with a card of 2026."""
    town = counter.town
    member = await town.insure(account="500")
    async with town.database.writer() as connection:
        found = await load_members(connection, town.vault, POOL, [member])
        identity = found[member].identity.id
        year = Period(date(2026, 1, 1), date(2027, 1, 1))
        await credentials.issue_card(
            connection, town.vault, identity, CARD, SERIAL, year, now=town.clock.now()
        )
    return Person(counter, member, identity)


def shown(kind: str, number: str, **more: str) -> Json:
    """``input`` of 1101."""
    return {"data": {"mdtrt_cert_type": kind, "mdtrt_cert_no": number} | more}


async def test_a_code_becomes_a_token_of_its_holder(counter: Counter, person: Person) -> None:
    decoded = await counter.done("1162", {"data": {"ecQrCode": await person.code()}})
    data = decoded["data"]
    assert data["idNo"] == counter.town.documents[person.member]
    assert data["insuOrg"] == "110000"
    assert len(data["ecToken"]) <= 50
    for kind in ("01", "1", "04", "05"):
        found = await counter.done("1101", shown(kind, data["ecToken"]))
        assert found["baseinfo"]["psn_no"] == person.member


async def test_the_same_message_is_answered_with_the_same_token(
    counter: Counter, person: Person
) -> None:
    content = {"data": {"ecQrCode": await person.code()}}
    message = counter.message_id()
    first = await counter.done("1162", content, message=message)
    assert await counter.done("1162", content, message=message) == first
    code, text = await counter.refused("1162", content)
    assert (code, "ecQrCode" in text) == (3005, True)


async def test_a_card_is_found_with_its_serial(counter: Counter, person: Person) -> None:
    found = await counter.done("1101", shown("03", CARD, card_sn=SERIAL))
    assert found["baseinfo"]["psn_no"] == person.member
    assert (await counter.refused("1101", shown("03", CARD)))[0] == 1010
    assert (await counter.refused("1101", shown("03", CARD, card_sn="other")))[0] == 3005
    assert (await counter.refused("1101", shown("03", "C0", card_sn=SERIAL)))[0] == 3005


async def test_another_persons_document_beside_a_token_is_refused(
    counter: Counter, person: Person
) -> None:
    token = await person.token()
    code, text = await counter.refused("1101", shown("01", token, certno="990101198001019999"))
    assert (code, "certno" in text) == (3004, True)


async def test_a_token_is_good_for_its_time_and_its_institution(
    counter: Counter, person: Person
) -> None:
    token = await person.token()
    counter.institution = OTHER_TERTIARY
    assert (await counter.refused("1101", shown("01", token)))[0] == 3005
    counter.institution = TERTIARY
    counter.town.clock.set(counter.town.clock.now() + credentials.TOKEN_LIFE)
    assert (await counter.refused("1101", shown("01", token)))[0] == 3005


async def test_a_visit_is_opened_and_settled_by_a_token(counter: Counter, person: Person) -> None:
    token = await person.token()
    registered = counter.registration(person.member, mdtrt_cert_type="01", mdtrt_cert_no=token)
    visit = (await counter.done("2201", registered))["data"]["mdtrt_id"]
    await counter.done("2203", counter.description(person.member, visit))
    priced = await counter.charge(person.member, visit, ("XA01", "100"))
    content = counter.settlement(
        person.member, visit, priced, mdtrt_cert_type="01", mdtrt_cert_no=token
    )
    message = counter.message_id()
    settled = await counter.done("2207", content, message=message)
    assert settled["setlinfo"]["mdtrt_cert_type"] == "01"
    counter.town.clock.set(counter.town.clock.now() + credentials.TOKEN_LIFE)
    # The token is old now, the message is not new: it is answered with what it did.
    assert await counter.done("2207", content, message=message) == settled
    assert (await counter.refused("2201", registered))[0] == 3005


async def test_anothers_voucher_opens_no_visit(counter: Counter, person: Person) -> None:
    other = await counter.town.insure()
    for kind, number in (("01", await person.token()), ("03", CARD)):
        content = counter.registration(other, mdtrt_cert_type=kind, mdtrt_cert_no=number)
        code, text = await counter.refused("2201", content)
        assert (code, "mdtrt_cert_no" in text) == (3004, True)


async def test_a_code_that_nobody_shows_is_named(counter: Counter) -> None:
    assert (await counter.refused("1162", {"data": {}}))[0] == 1010
    code, text = await counter.refused("1162", {"data": {"ecQrCode": "nonsense"}})
    assert (code, "ecQrCode" in text) == (3005, True)
