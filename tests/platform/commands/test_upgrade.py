"""Messages that were kept under four texts are found under one key, and say what they said."""

import asyncpg

from tests.platform.commands.builders import POOL
from yibao.platform.commands import store
from yibao.platform.commands.model import MessageKey
from yibao.platform.database import Database
from yibao.platform.migrations import FOLDER

SCRIPTS = sorted((FOLDER / "versions").glob("[0-9]*.sql"))
DONE = MessageKey("H11000000001", "2207", "H11000000001202611231020264278")
REVERSED = MessageKey("H11000000001", "2207", "甲院的编号")
FENCED = DONE._replace(transaction="2208")
OF_BEFORE = """
    INSERT INTO platform.message (pool, institution, transaction, message_id, subject, digest,
        outcome, reference, reversed_by, recorded_at)
    VALUES ($1, $2, $3, $4, 'somebody', '\\x0102', $5, $6, $7, '2026-11-23 10:20:26+08')"""


async def test_messages_of_before_are_found_and_say_what_they_said(empty_dsn: str) -> None:
    connection = await asyncpg.connect(empty_dsn)
    await connection.execute("CREATE SCHEMA platform")
    for script in (script for script in SCRIPTS if script.stem < "0027"):
        await connection.execute(script.read_text(encoding="utf-8"))
    bill = '{"settlement": "1100000000000000000000007"}'
    for key, outcome, reference, reversed_by in (
        (DONE, "done", bill, None),
        (REVERSED, "done", bill, "2601-1"),
        (FENCED, "fenced", '{"reversed_by": "2601-2"}', None),
    ):
        await connection.execute(OF_BEFORE, POOL, *key, outcome, reference, reversed_by)
    (script,) = (script for script in SCRIPTS if script.stem.startswith("0027"))
    await connection.execute(script.read_text(encoding="utf-8"))
    await connection.close()
    database = await Database.open(empty_dsn, writers=1, readers=1)
    try:
        async with database.writer() as writer:
            found = await store.find(writer, POOL, [DONE, REVERSED, FENCED])
    finally:
        await database.close()
    said = {
        key: (one.subject, one.digest, one.outcome, one.reference, one.reversed_by)
        for key, one in found.items()
    }
    reference = {"settlement": "1100000000000000000000007"}
    assert said == {
        DONE: ("somebody", b"\x01\x02", "done", reference, None),
        REVERSED: ("somebody", b"\x01\x02", "done", reference, "2601-1"),
        FENCED: ("somebody", b"\x01\x02", "fenced", {}, "2601-2"),
    }
