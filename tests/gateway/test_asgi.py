"""What the edge answers when something else fails, and what it tells its observer."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.gateway.builders import Counter, Json
from yibao.gateway.asgi import Gateway
from yibao.gateway.context import Context
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.model import Command, Outcome
from yibao.platform.commands.service import OutcomeUnknown


@dataclass
class LostDatabase:
    """Commands whose database was lost with the commit under way."""

    async def submit(self, command: Command) -> Outcome:
        raise OutcomeUnknown(command.key.message_id)


@dataclass
class BrokenDoor:
    """A door with a fault of ours."""

    def admit(self, headers: Mapping[str, str], senders: Any, *rest: Any) -> Any:
        raise ZeroDivisionError("details that are nobody's business")


def rebuilt(counter: Counter, **parts: Any) -> Counter:
    """The counter before a gateway with other parts."""
    context: Context = replace(counter.gateway.context, **parts)
    return replace(counter, gateway=Gateway(context))


async def test_an_unknown_outcome_is_told_as_unknown(counter: Counter) -> None:
    member = await counter.town.insure()
    unlucky = rebuilt(counter, commands=LostDatabase())
    answer = await unlucky.call("2201", counter.registration(member))
    assert answer["infcode"] == -1
    assert "原报文编号" in answer["err_msg"]


async def test_a_fault_of_ours_is_told_by_a_reference_number_alone(counter: Counter) -> None:
    answer = await rebuilt(counter, door=BrokenDoor()).call("1101", {})
    assert answer["infcode"] == RefusalCode.FAILED
    assert "故障编号" in answer["err_msg"]
    assert "nobody" not in answer["err_msg"]


@pytest.mark.parametrize(
    "fault", [OSError("gone"), Refused(RefusalCode.PERSON_UNKNOWN, "查无此人")]
)
async def test_a_failure_after_the_commit_is_never_told_as_not_done(
    counter: Counter, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    member = await counter.town.insure()
    visit = await counter.open_visit(member)
    priced = await counter.charge(member, visit, ("XA01", "10"))
    content, message = counter.settlement(member, visit, priced), counter.message_id()

    def fail(*_: Any) -> Any:
        raise fault

    with monkeypatch.context() as patched:
        patched.setattr("yibao.gateway.outpatient.settlement_output", fail)
        answer = await counter.call("2207", content, message=message)
    assert answer["infcode"] == -1
    again = await counter.call("2207", content, message=message)
    assert again["infcode"] == 0
    assert again["output"]["setlinfo"]["medins_setl_id"] == message


async def test_the_observer_hears_known_numbers_only(counter: Counter) -> None:
    heard: list[tuple[str, int]] = []

    def observe(number: str, code: int, seconds: float) -> None:
        assert seconds >= 0
        heard.append((number, code))

    observed = rebuilt(counter, observe=observe)
    await observed.call("2201A", {})
    await observed.call("8888", {})
    assert heard == [("2201", 1010), ("none", 1003)]


async def test_the_answers_id_begins_with_the_place_of_care(counter: Counter) -> None:
    answer: Json = await counter.call("1101", {})
    assert answer["inf_refmsgid"].startswith("11000020260715120000")
    assert len(answer["inf_refmsgid"]) == 30
