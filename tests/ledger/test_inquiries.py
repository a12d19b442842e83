"""What is owed is found by the few entries that tell it, not by reading the ledger."""

import re

from yibao.ledger.inquiries import store
from yibao.platform.database import Database


async def test_balances_of_what_is_owed_use_their_own_index(database: Database) -> None:
    asked: list[str] = []

    class Asking:
        async def fetch(self, query: str, *_: object) -> list[object]:
            asked.append(query)
            return []

    await store.balances(Asking(), "110000", ["institution:H1:payable"], None)  # type: ignore[arg-type]
    await store.all_balances(Asking(), "110000", "person:%:owed")  # type: ignore[arg-type]
    async with database.owner() as connection:
        await connection.execute("SET enable_seqscan = off")
        for query, arguments in zip(
            asked,
            (("110000", ["institution:H1:payable"], None), ("110000", "person:%:owed")),
            strict=True,
        ):
            rows = await connection.fetch(f"EXPLAIN {query}", *arguments)
            plan = "\n".join(row[0] for row in rows)
            assert re.search(r"\bentry_\w*owed\b", plan), plan
