"""There is one way into the ledger: what it writes is chained, so nobody else may write."""

import ast
import re
from pathlib import Path

from yibao import ledger
from yibao.platform.database import Database

PACKAGE = Path(ledger.__file__).parents[1]
WRITES = re.compile(
    r"(INSERT\s+INTO|UPDATE|DELETE\s+FROM|COPY|TRUNCATE)\s+ledger\.(entry|block|account_part)\b",
    re.IGNORECASE,
)
ALLOWED = {"ledger/store.py", "ledger/holds/store.py"}


def writers() -> set[str]:
    """Modules with SQL that writes entries, blocks or parts, or that append rows to them."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        if "ledger" not in source:  # nine of ten have nothing to do with it
            continue
        for node in ast.walk(ast.parse(source)):
            text = isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value
            appends = (
                isinstance(node, ast.Call)
                and [getattr(one, "value", None) for one in node.args[:2]]
                in (["ledger", "entry"], ["ledger", "block"])
            )  # fmt: skip
            if appends or (text and WRITES.search(text)):
                found.add(str(path.relative_to(PACKAGE)))
    return found


def test_only_the_ledgers_store_writes_entries() -> None:
    assert writers() == ALLOWED


async def test_the_writer_can_add_and_never_change(database: Database) -> None:
    async with database.writer() as connection:
        for table in ("entry", "block", "occasion", "head", "hold_refund"):
            rights = {
                right: await connection.fetchval(
                    "SELECT has_table_privilege($1, $2)", f"ledger.{table}", right
                )
                for right in ("INSERT", "UPDATE", "DELETE", "TRUNCATE")
            }
            assert rights == {"INSERT": True, "UPDATE": False, "DELETE": False, "TRUNCATE": False}
