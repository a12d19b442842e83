"""What calls tell the access record, and that nobody is shown what it does not hold."""

from dataclasses import replace

import pytest

from tests.gateway.builders import Counter
from tests.gateway.test_every_transaction import about_real_things, naming
from yibao.gateway.asgi import Gateway
from yibao.gateway.examples import example
from yibao.kernel.refusals import RefusalCode
from yibao.platform.access import service
from yibao.platform.access.model import Sighting
from yibao.platform.access.record import AccessRecord


@pytest.fixture
async def recorded(counter: Counter) -> Counter:
    """The counter before a gateway that keeps the access record."""
    town = counter.town
    record = AccessRecord(town.database.writer, town.numbers.writer, town.vault, town.clock.now)
    return replace(counter, gateway=Gateway(replace(counter.gateway.context, access=record)))


async def seen(counter: Counter) -> list[Sighting]:
    """All that the record tells of the counter's hospital, oldest first."""
    async with counter.town.database.reader(None) as connection, connection.transaction():
        assert (await service.verify(connection, counter.town.vault)).faults == ()
        return (await service.by_viewer(connection, counter.institution, 100))[::-1]


def shown(counter: Counter, member: str) -> dict[str, object]:
    """``input`` of 1101 with the member's identity card."""
    card = {"mdtrt_cert_type": "02", "mdtrt_cert_no": counter.town.documents[member]}
    return {"data": card | {"psn_cert_type": "01", "certno": card["mdtrt_cert_no"]}}


async def test_who_was_asked_for_by_a_voucher_is_told_with_the_clerk(recorded: Counter) -> None:
    member = await recorded.town.insure()
    await recorded.done("1101", shown(recorded, member), opter="0042")
    (row,) = await seen(recorded)
    assert (row.member, row.found) == (member, True)
    assert row.identity is not None
    assert (row.viewer.purpose, row.viewer.operator) == ("1101", "0042")


async def test_who_was_asked_for_in_vain_is_told(recorded: Counter) -> None:
    nobody = {"mdtrt_cert_type": "02", "mdtrt_cert_no": "990101199001010009"}
    await recorded.refused("1101", {"data": nobody})
    (row,) = await seen(recorded)
    assert (row.identity, row.member, row.found) == (None, None, False)


@pytest.mark.parametrize("number", ["5202", "5203", "5204", "5206", "5301", "5302", "5304", "2001"])
async def test_every_question_about_a_person_is_told(recorded: Counter, number: str) -> None:
    real = await about_real_things(recorded)
    assert await seen(recorded) == [], "bills are told by their messages"
    await recorded.done(number, naming(example(number), real))
    rows = await seen(recorded)
    assert [(row.member, row.viewer.purpose, row.found) for row in rows] == [
        (real["psn_no"], number, True)
    ]


async def test_nobody_is_shown_what_cannot_be_written_down(recorded: Counter) -> None:
    member = await recorded.town.insure()
    async with recorded.town.database.owner() as owner:
        await owner.execute("ALTER TABLE safety.access RENAME TO elsewhere")
        code, text = await recorded.refused("1101", shown(recorded, member))
        await owner.execute("ALTER TABLE safety.elsewhere RENAME TO access")
    assert code == RefusalCode.FAILED
    assert recorded.town.documents[member] not in text


async def test_what_is_about_nobody_is_not_told(recorded: Counter) -> None:
    await recorded.done("1901", {"data": {"type": "insutype", "valiFlag": "1"}})
    await recorded.done("1201", example("1201"))
    assert await seen(recorded) == []
