"""What was posted before there was a chain comes under it, as Python would have written it."""

from datetime import date

import asyncpg

from yibao.ledger.verification import service as verification
from yibao.platform.migrations import FOLDER

SCRIPTS = sorted((FOLDER / "versions").glob("[0-9]*.sql"))


async def test_older_entries_come_under_the_chain(empty_dsn: str) -> None:
    connection = await asyncpg.connect(empty_dsn)
    try:
        await connection.execute("CREATE SCHEMA IF NOT EXISTS platform")
        for script in (path for path in SCRIPTS if path.stem < "0015"):
            await connection.execute(script.read_text(encoding="utf-8"))
        for pool in ("110000", "430100"):
            for posting in range(1, 1_204):
                await connection.executemany(
                    "INSERT INTO ledger.entry VALUES ($1, $2, $3, $4, $5, $6)",
                    [
                        (pool, posting, 0, "contributions:310", -posting, date(1999, 12, 31)),
                        (pool, posting, 1, "account:某人:2026:current", posting, date(2026, 7, 1)),
                    ],
                )
        await connection.execute(
            """INSERT INTO ledger.account_part (pool, member, part, origin, amount)
               SELECT pool, '某人', '2026:current', 'current', sum(amount) FROM ledger.entry
               WHERE line = 1 GROUP BY pool"""
        )
        for script in (path for path in SCRIPTS if path.stem >= "0015"):
            await connection.execute(script.read_text(encoding="utf-8"))
        # as a server's connections read jsonb: the occasions of older credits have an empty one
        await connection.set_type_codec(
            "jsonb", schema="pg_catalog", encoder=str, decoder=lambda _: {}
        )
        async with connection.transaction():
            findings = await verification.examine(connection)
    finally:
        await connection.close()
    assert findings.faults == []
    assert findings.figures["blocks"] == 6  # 500 postings a block
    assert findings.figures["entries"] == 2 * 2 * 1_203
