"""2601 undoes what an earlier message did, whatever it was, once and for all."""

from decimal import Decimal

import pytest

from tests.gateway.builders import Counter, Json
from tests.gateway.stays import Stay, admission, admitted, purchase
from tests.settlement.builders import PHARMACY


@pytest.fixture
async def stay(counter: Counter) -> Stay:
    """A person in hospital with a line."""
    stay = await admitted(counter)
    await stay.charge(stay.fee("1", "3000"))
    return stay


def reversal(member: str, number: str, message: str) -> Json:
    """``input`` of 2601."""
    return {"data": {"psn_no": member, "omsgid": message, "oinfno": number}}


async def balance(counter: Counter, member: str) -> Decimal:
    """The personal account as 1101 shows it."""
    document = counter.town.documents[member]
    shown = {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": document}}
    (insurance,) = (await counter.done("1101", shown))["insuinfo"]
    found: Decimal = insurance["balc"]
    return found


async def test_a_stays_settlement_is_undone_and_settled_anew(counter: Counter, stay: Stay) -> None:
    await counter.done("2402", stay.discharge())
    message = counter.message_id()
    await counter.done("2304", stay.settlement(), message=message)
    for _ in range(2):
        await counter.done("2601", reversal(stay.member, "2304", message))
    assert await balance(counter, stay.member) == 500
    code, _ = await counter.refused("2304", stay.settlement(), message=message)
    assert code == 1021
    await counter.done("2304", stay.settlement())


async def test_a_cancellation_is_undone(counter: Counter, stay: Stay) -> None:
    settled = await stay.settled()
    left = await balance(counter, stay.member)
    message = counter.message_id()
    named = {"data": stay.whose | {"setl_id": settled["setlinfo"]["setl_id"]}}
    await counter.done("2305", named, message=message)
    assert await balance(counter, stay.member) == 500
    await counter.done("2601", reversal(stay.member, "2305", message))
    assert await balance(counter, stay.member) == left


async def test_an_admission_is_undone_while_nothing_stands_on_it(counter: Counter) -> None:
    member = await counter.town.insure()
    message = counter.message_id()
    await counter.done("2401", admission(counter, member), message=message)
    await counter.done("2601", reversal(member, "2401", message))
    stay = await admitted(counter, member)  # the person is out again, and may come anew
    assert stay.visit


async def test_a_purchase_is_undone_also_by_its_suffixed_number(counter: Counter) -> None:
    counter.institution = PHARMACY
    member = await counter.town.insure(account="500")
    message = counter.message_id()
    await counter.done("2102", purchase(counter, member), message=message)
    assert await balance(counter, member) == 475
    await counter.done("2601", reversal(member, "2102A", message))
    assert await balance(counter, member) == 500


async def test_a_message_that_never_came_is_fenced_off(counter: Counter) -> None:
    counter.institution = PHARMACY
    member = await counter.town.insure(account="500")
    message = counter.message_id()
    await counter.done("2601", reversal(member, "2102", message))
    code, _ = await counter.refused("2102", purchase(counter, member), message=message)
    assert code == 1021
    assert await balance(counter, member) == 500


async def test_what_has_its_own_undoing_is_not_reversed(counter: Counter, stay: Stay) -> None:
    for number in ("2301", "2402", "1101"):
        code, text = await counter.refused(
            "2601", reversal(stay.member, number, counter.message_id())
        )
        assert (code, "oinfno" in text or number in text) == (4042, True)
