"""The batcher: independent members, one outcome each, and what happens when the wire breaks."""

import asyncio

import asyncpg
import pytest

from tests.platform.commands.builders import LosingWriter, Room, commands, wish
from yibao.kernel.refusals import Refusal, RefusalCode
from yibao.platform.commands import service
from yibao.platform.commands.model import Done, MessageKey
from yibao.platform.commands.service import BATCH_LIMIT, OutcomeUnknown
from yibao.platform.database import Database


async def test_what_waits_together_shares_a_transaction(database: Database) -> None:
    room = Room([])
    submit = await commands(database, room)
    first = [submit.submit(wish(f"early {i}", seconds=0.1)) for i in range(2)]
    await asyncio.gather(*first, *(submit.submit(wish(f"s{i}")) for i in range(80)))
    assert max(map(len, room.batches)) == BATCH_LIMIT
    assert sum(map(len, room.batches)) == 82


async def test_two_commands_of_one_subject_never_share_a_batch_and_keep_their_order(
    database: Database,
) -> None:
    room = Room([])
    submit = await commands(database, room)
    subjects = ["a", "b", "a", "c", "a", "b"]
    done = await asyncio.gather(
        *(submit.submit(wish(s, publish=i, seconds=0.02)) for i, s in enumerate(subjects))
    )
    assert all(isinstance(outcome, Done) for outcome in done)
    assert all(len(set(batch)) == len(batch) for batch in room.batches)
    async with database.writer() as connection:
        published = await connection.fetch("SELECT payload FROM platform.outbox ORDER BY id")
    numbers = [row["payload"]["n"] for row in published]
    assert [n for n in numbers if subjects[n] == "a"] == [0, 2, 4]


async def test_a_fault_fails_alone_and_nothing_of_it_stays(database: Database) -> None:
    submit = await commands(database)
    wishes = [wish("good", publish=1), wish("bad", fault=True), wish("fine", publish=2)]
    good, bad, fine = await asyncio.gather(*(submit.submit(w) for w in wishes))
    assert isinstance(good, Done)
    assert isinstance(fine, Done)
    assert isinstance(bad, Refusal)
    assert bad.code is RefusalCode.FAILED
    async with database.writer() as connection:
        assert await connection.fetchval("SELECT count(*) FROM platform.message") == 2
        assert await connection.fetchval("SELECT count(*) FROM platform.outbox") == 2


async def test_a_failure_is_not_remembered_so_the_same_message_may_come_again(
    database: Database,
) -> None:
    submit = await commands(database)
    assert isinstance(await submit.submit(wish("a", message="M", fault=True)), Refusal)
    assert isinstance(await submit.submit(wish("a", message="M")), Done)


async def test_a_refusal_is_remembered_and_its_message_keeps_its_content(
    database: Database,
) -> None:
    submit = await commands(database)
    await submit.submit(wish("a", message="M", refuse=True))
    other = await submit.submit(wish("a", message="M", digest=b"other"))
    assert isinstance(other, Refusal)
    assert other.code is RefusalCode.MESSAGE_REUSED


async def test_a_message_that_met_anothers_place_is_refused_and_never_answered_as_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MessageKey, "place", lambda _: "26112310-0000-0000-0000-000000000000")
    submit = await commands(database)
    assert isinstance(await submit.submit(wish("a", digest=b"one", publish=1)), Done)
    met = await submit.submit(wish("b", digest=b"another", publish=2))
    assert isinstance(met, Refusal)
    assert met.code is RefusalCode.MESSAGE_REUSED


async def test_a_lost_answer_to_the_commit_is_found_out_and_done_once(database: Database) -> None:
    room = Room([])
    submit = await commands(database, room, LosingWriter(database, lose_after_commit=1))
    outcome = await submit.submit(wish("a", publish=1))
    assert isinstance(outcome, Done)
    assert outcome.replayed  # the commit had taken effect; the retry found it
    async with database.writer() as connection:
        assert await connection.fetchval("SELECT count(*) FROM platform.outbox") == 1


@pytest.mark.parametrize("loss", [ConnectionResetError, asyncpg.InternalClientError])
async def test_a_database_that_comes_back_serves_who_waited(
    database: Database, loss: type[Exception]
) -> None:
    submit = await commands(database, None, LosingWriter(database, lose_before=3, loss=loss))
    assert isinstance(await submit.submit(wish("a")), Done)


async def test_a_database_that_stays_away_leaves_the_outcome_unknown(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "ATTEMPTS", 2)
    submit = await commands(database, None, LosingWriter(database, lose_before=99))
    with pytest.raises(OutcomeUnknown):
        await submit.submit(wish("a"))


async def test_too_many_waiting_commands_are_turned_away_untouched(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "WAITING_LIMIT", 3)
    submit = await commands(database)
    first = asyncio.create_task(submit.submit(wish("s", seconds=0.1)))
    await asyncio.sleep(0.02)
    outcomes = await asyncio.gather(first, *(submit.submit(wish("s")) for _ in range(5)))
    busy = [o for o in outcomes if isinstance(o, Refusal)]
    assert {o.code for o in busy} == {RefusalCode.BUSY}
    assert len(busy) == 2  # one runs, three wait


async def test_a_caller_that_hangs_up_does_not_stop_the_work(database: Database) -> None:
    submit = await commands(database)
    task = asyncio.create_task(submit.submit(wish("a", message="M", seconds=0.1)))
    await asyncio.sleep(0.02)
    task.cancel()
    await submit.drain()
    again = await submit.submit(wish("a", message="M"))
    assert isinstance(again, Done)
    assert again.replayed
