"""Who may read and change what institutions hand in."""

import asyncpg
import pytest

from yibao.platform.database import Database

FACTS = ("declaration", "declaration_withdrawal")
DATED = ("department", "mapping", "disease_filing", "designation", "practitioner")


@pytest.mark.parametrize("table", ["declaration", "department", "mapping", "practitioner"])
async def test_readers_see_no_table_of_institutions_but_through_its_view(
    database: Database, table: str
) -> None:
    async with database.reader(["H11010599001"]) as reader:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.fetch(f"SELECT FROM registry.{table}")
        assert await reader.fetch(f"SELECT FROM registry.visible_{table}") == []


async def test_what_was_declared_is_never_changed_or_deleted(writer: asyncpg.Connection) -> None:
    for table in FACTS:
        for statement in (f"DELETE FROM registry.{table}", f"UPDATE registry.{table} SET number=1"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await writer.execute(statement)
    for table in DATED:
        for statement in (
            f"DELETE FROM registry.{table}",
            f"UPDATE registry.{table} SET valid_from = valid_from",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await writer.execute(statement)
