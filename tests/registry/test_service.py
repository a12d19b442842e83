"""The reference cache is exact: a change is seen by whoever asks after its commit."""

import asyncio

import asyncpg

from tests.registry.builders import BEIJING, CHANGSHA, instant, institution
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.registry.catalogue.service import import_catalogue
from yibao.registry.institutions import service as bureau
from yibao.registry.service import ReferenceCache

HOSPITAL = "H11010599001"


async def test_nothing_is_loaded_again_while_nothing_changes(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    cache = ReferenceCache(vault)
    first = await cache.current(writer)
    statements: list[str] = []
    with writer.query_logger(lambda record: statements.append(record.query)):
        assert await cache.current(writer) is first
        await asyncio.sleep(0)  # the driver tells its loggers in the next turn of the loop
    assert len(statements) == 1


async def test_a_change_of_another_connection_is_seen_by_the_next_call_after_its_commit(
    database: Database, writer: asyncpg.Connection, vault: Vault
) -> None:
    cache = ReferenceCache(vault)
    before = await cache.current(writer)
    async with database.writer() as other:
        async with other.transaction():
            await bureau.found_pool(other, BEIJING, "北京市", now=instant(1))
            await bureau.designate(other, [institution()], now=instant(1))
            assert await cache.current(writer) is before, "not committed yet"
        after = await cache.current(writer)
    assert before.directory.institution(HOSPITAL) is None
    assert after.directory.institution(HOSPITAL) == institution()
    assert after.catalogue is before.catalogue, "only what changed is loaded again"


async def test_a_change_that_is_rolled_back_is_never_kept(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    cache = ReferenceCache(vault)
    undone = writer.transaction()
    await undone.start()
    await bureau.found_pool(writer, BEIJING, "北京市", now=instant(1))
    assert BEIJING in (await cache.current(writer)).directory.pools, "its own change"
    await undone.rollback()
    # the next change must not get the number of the one that was undone
    await bureau.found_pool(writer, CHANGSHA, "长沙市", now=instant(2))
    pools = (await cache.current(writer)).directory.pools
    assert BEIJING not in pools
    assert CHANGSHA in pools


async def test_an_import_of_the_catalogue_is_seen(writer: asyncpg.Connection, vault: Vault) -> None:
    cache = ReferenceCache(vault)
    before = await cache.current(writer)
    async with writer.transaction():
        await import_catalogue(writer, now=instant(1))
    after = await cache.current(writer)
    assert (len(before.catalogue.items), len(after.catalogue.items)) == (0, 16_071)
    assert after.catalogue.version != before.catalogue.version


async def test_callers_that_ask_at_once_get_one_and_the_same_reference(
    database: Database, vault: Vault
) -> None:
    cache = ReferenceCache(vault)

    async def ask() -> int:
        async with database.reader(None) as reader:
            return id(await cache.current(reader))

    assert len(set(await asyncio.gather(*(ask() for _ in range(4))))) == 1


async def test_a_directory_read_across_a_change_is_of_one_version(
    database: Database, writer: asyncpg.Connection, vault: Vault
) -> None:
    """The change commits between the statements of the load."""

    class Interrupting:
        """The connection, but a hospital is designated before the divisions are read."""

        def __init__(self) -> None:
            self.interrupted = False

        async def fetch(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
            if "registry.division" in statement and not self.interrupted:
                self.interrupted = True
                async with database.writer() as other, other.transaction():
                    await bureau.found_pool(other, BEIJING, "北京市", now=instant(1))
                    await bureau.designate(other, [institution()], now=instant(1))
            return await writer.fetch(statement, *arguments)

    directory = await bureau.load_directory(Interrupting(), vault)  # type: ignore[arg-type]
    assert directory.institution(HOSPITAL) is not None
    assert directory.version == (await bureau.load_directory(writer, vault)).version
