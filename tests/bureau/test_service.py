"""A proposal is read strictly, carried out once by a second clerk, or stays open and says why."""

from collections.abc import Iterator

import pytest

from tests.bureau.builders import FIRST, NOTED, SECOND, Bureau, kind_for_tests
from tests.settlement.builders import POOL
from yibao.bureau import service
from yibao.bureau.clerks.model import Clerk
from yibao.bureau.model import ProposalState
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.platform.commands.model import Done


@pytest.fixture(autouse=True)
def note() -> Iterator[str]:
    """A kind of business that only publishes a note."""
    with kind_for_tests() as name:
        yield name


async def notes(bureau: Bureau) -> int:
    """How many notes were published."""
    async with bureau.town.database.owner() as connection:
        found: int = await connection.fetchval(
            "SELECT count(*) FROM platform.outbox WHERE kind = $1", NOTED
        )
    return found


async def test_a_second_clerk_carries_a_proposal_out(bureau: Bureau, note: str) -> None:
    key = await bureau.propose(note, pool=POOL, word="好")
    assert (await bureau.find(key)).state is ProposalState.PROPOSED
    assert await notes(bureau) == 0, "nothing is done before it is approved"
    outcome = await bureau.approve(key)
    assert isinstance(outcome, Done)
    assert outcome.result == {"noted": "好", "decided_by": "second"}
    proposal = await bureau.find(key)
    assert (proposal.state, proposal.decided_by) == (ProposalState.DONE, "second")
    assert proposal.result == outcome.result
    assert await notes(bureau) == 1


async def test_approving_again_gives_the_first_result(bureau: Bureau, note: str) -> None:
    key = await bureau.propose(note, pool=POOL, word="好")
    await bureau.approve(key)
    again = await bureau.submit(service.approving(key, Clerk("third", "测试经办丙")))
    assert isinstance(again, Done)
    assert again.replayed
    assert (await bureau.find(key)).decided_by == "second"
    assert await notes(bureau) == 1


async def test_nobody_approves_his_own_proposal(bureau: Bureau, note: str) -> None:
    key = await bureau.propose(note, pool=POOL, word="好")
    outcome = await bureau.submit(service.approving(key, FIRST))
    assert isinstance(outcome, Refusal)
    assert outcome.code is RefusalCode.SECOND_CLERK_NEEDED
    assert isinstance(await bureau.approve(key), Done), "the other clerk still can"


async def test_a_kind_without_four_eyes_is_approved_by_its_proposer(bureau: Bureau) -> None:
    with kind_for_tests("test.alone", four_eyes=False) as name:
        key = await bureau.propose(name, pool=POOL, word="好")
        assert isinstance(await bureau.submit(service.approving(key, FIRST)), Done)


async def test_what_refuses_leaves_the_proposal_open_and_nothing_done(
    bureau: Bureau, note: str
) -> None:
    key = await bureau.propose(note, pool=POOL, word="不行")
    outcome = await bureau.approve(key)
    assert isinstance(outcome, Refusal)
    assert outcome.message == "这个词不行"
    proposal = await bureau.find(key)
    assert (proposal.state, proposal.refused) == (ProposalState.PROPOSED, "这个词不行")
    assert await notes(bureau) == 0, "what came before the refusal is undone"


async def test_every_fault_of_a_content_is_named_at_once(bureau: Bureau, note: str) -> None:
    with pytest.raises(Refused) as refused:
        await bureau.propose(note, pool="11", amount="-1", colour="red")
    message = refused.value.refusal.message
    assert "pool（统筹区）应为六位统筹区代码" in message
    assert "word（词）必填" in message
    assert "amount（金额）金额应大于零" in message
    assert "没有字段 colour" in message


async def test_a_reason_is_needed(note: str) -> None:
    with pytest.raises(Refused) as refused:
        service.proposing(note, {"pool": POOL, "word": "好"}, "  ", FIRST, "m1")
    assert refused.value.refusal.field == "reason"


async def test_the_same_message_proposes_once_and_other_content_is_refused(
    bureau: Bureau, note: str
) -> None:
    def command(word: str) -> service.Command:
        return service.proposing(note, {"pool": POOL, "word": word}, "测试", FIRST, "m1")

    first = await bureau.submit(command("好"))
    again = await bureau.submit(command("好"))
    other = await bureau.submit(command("坏"))
    assert isinstance(first, Done)
    assert isinstance(again, Done)
    assert again.reference == first.reference
    assert isinstance(other, Refusal)
    assert other.code is RefusalCode.MESSAGE_REUSED


async def test_a_rejected_or_withdrawn_proposal_is_not_carried_out(
    bureau: Bureau, note: str
) -> None:
    rejected = await bureau.propose(note, pool=POOL, word="好")
    withdrawn = await bureau.propose(note, pool=POOL, word="好")
    assert isinstance(await bureau.submit(service.rejecting(rejected, SECOND, "票据不清")), Done)
    assert isinstance(await bureau.submit(service.withdrawing(withdrawn, FIRST)), Done)
    for key in (rejected, withdrawn):
        outcome = await bureau.approve(key)
        assert isinstance(outcome, Refusal)
        assert outcome.code is RefusalCode.PROPOSAL_DECIDED
    assert (await bureau.find(rejected)).remark == "票据不清"
    assert await notes(bureau) == 0


async def test_only_the_proposer_withdraws_and_only_another_rejects(
    bureau: Bureau, note: str
) -> None:
    key = await bureau.propose(note, pool=POOL, word="好")
    for command in (service.withdrawing(key, SECOND), service.rejecting(key, FIRST, "不")):
        outcome = await bureau.submit(command)
        assert isinstance(outcome, Refusal)
        assert outcome.code is RefusalCode.SECOND_CLERK_NEEDED


async def test_a_clerk_acts_in_his_pools_alone(bureau: Bureau, note: str) -> None:
    key = await bureau.propose(note, pool=POOL, word="好")
    elsewhere = Clerk("far", "测试经办丁", (Pool("430100"),))
    with pytest.raises(Refused) as refused:
        service.approving(key, elsewhere)
    assert refused.value.refusal.code is RefusalCode.CLERK_NOT_ALLOWED


async def test_a_trial_tells_the_result_and_changes_nothing(bureau: Bureau, note: str) -> None:
    key = await bureau.propose(note, pool=POOL, word="好")
    async with bureau.unit(POOL) as unit:
        tried = await service.tried(unit, bureau.office, key, FIRST)
        assert unit.outbox == []
    assert tried["noted"] == "好"
    assert (await bureau.find(key)).state is ProposalState.PROPOSED


async def test_an_unknown_proposal_is_refused(bureau: Bureau) -> None:
    outcome = await bureau.approve(PoolKey(POOL, 7))
    assert isinstance(outcome, Refusal)
    assert outcome.code is RefusalCode.PROPOSAL_UNKNOWN


async def test_institutions_see_no_proposal(bureau: Bureau, note: str) -> None:
    await bureau.propose(note, pool=POOL, word="好")
    async with bureau.town.database.reader(["H11000000001"]) as connection:
        assert await service.listed(connection, bureau.office.vault, FIRST) == []
    async with bureau.town.database.reader(None) as connection:
        assert len(await service.listed(connection, bureau.office.vault, FIRST)) == 1
