"""An agent who files for somebody: always recorded, and checked where the province asks for it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.accounts.builders import unit
from tests.gateway.builders import Counter
from tests.gateway.test_filing import choice
from yibao.gateway.dialects.choice import choose_dialect
from yibao.gateway.dialects.load import dialects
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode
from yibao.registry.people import service as people
from yibao.registry.representatives import service as representatives
from yibao.registry.representatives.model import Act, NewRepresentation, RepresentativeKind


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The province checks agents."""
    general = replace(dialects()["general"], agents_checked=True)
    monkeypatch.setitem(dialects(), "general", general)  # type: ignore[arg-type]
    choose_dialect.cache_clear()
    yield
    monkeypatch.undo()
    choose_dialect.cache_clear()


async def named(counter: Counter, member: str, agent: str) -> None:
    """Let the member name an agent who may file."""
    async with unit(counter.town) as u:
        known = await people.load_members(u.connection, counter.town.vault, u.pool, [member, agent])
        human = known[member].identity.id
        new = NewRepresentation(
            human, known[agent].identity.id, RepresentativeKind.AGENT, (Act.FILE,),
            Period(u.day), human, {"how": "测试柜台"},
        )  # fmt: skip
        await representatives.name(u.connection, new, now=u.now)


async def test_where_nobody_asks_any_agent_is_recorded(counter: Counter) -> None:
    member = await counter.town.insure()
    await counter.done("2505", choice(member, agnter_name="测试", agnter_certno="990199"))


@pytest.mark.usefixtures("asking")
async def test_an_agent_whom_the_member_did_not_name_is_refused(counter: Counter) -> None:
    member, agent = await counter.town.insure(), await counter.town.insure()
    number = counter.town.documents[agent]
    code, text = await counter.refused("2505", choice(member, agnter_certno=number))
    assert code == RefusalCode.AGENT_UNKNOWN
    assert "agnter_certno" in text
    await named(counter, member, agent)
    await counter.done("2505", choice(member, agnter_certno=number))


@pytest.mark.usefixtures("asking")
async def test_who_comes_in_person_names_no_agent_and_may_name_oneself(counter: Counter) -> None:
    member = await counter.town.insure()
    own = counter.town.documents[member]
    content = choice(member, agnter_certno=own)
    await counter.done("2505", content)
    other = await counter.town.insure()
    await counter.done("2505", choice(other))
