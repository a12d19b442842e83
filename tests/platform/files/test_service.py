"""Files are kept sealed, seen by their institution alone, and removed once they have expired."""

from datetime import UTC, datetime, timedelta

import pytest

from yibao.kernel.areas import NO_PERSON_POOL
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.model import Unit
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.platform.files import service as files
from yibao.platform.files.model import FileFacts

NOW = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
OURS, OTHER = "H11000000001", "H11000000002"
CONTENT = b"psn_no\t1\n" + bytes(range(256))


@pytest.fixture
def vault() -> Vault:
    """Sealing with a key of the tests."""
    return Vault(b"k" * 32)


@pytest.fixture
async def kept(database: Database, vault: Vault) -> FileFacts:
    """A file of an institution."""
    numbers = await database.numbers()
    async with database.writer() as connection, connection.transaction():
        unit = Unit(NO_PERSON_POOL, connection, NOW, numbers)
        return await files.keep(unit, vault, OURS, "a.dat", CONTENT)


async def test_a_file_comes_back_as_it_was(
    database: Database, vault: Vault, kept: FileFacts
) -> None:
    async with database.reader([OURS]) as connection:
        found = await files.find(connection, kept.key.text(), NOW)
        assert found == kept
        assert await files.content_of(connection, vault, found) == CONTENT


async def test_nothing_of_it_can_be_read_in_the_database(
    database: Database, kept: FileFacts
) -> None:
    async with database.owner() as connection:
        sealed = await connection.fetchval("SELECT sealed FROM platform.file")
    assert kept.name == "a.dat"
    assert b"psn_no" not in sealed


async def test_another_institution_does_not_see_it(database: Database, kept: FileFacts) -> None:
    async with database.reader([OTHER]) as connection:
        for number in (kept.key.text(), "nonsense", ""):
            with pytest.raises(Refused) as refused:
                await files.find(connection, number, NOW)
            assert refused.value.refusal.code is RefusalCode.FILE_UNKNOWN


async def test_an_expired_file_is_refused_and_then_removed(
    database: Database, kept: FileFacts
) -> None:
    async with database.reader([OURS]) as connection:
        await files.find(connection, kept.key.text(), kept.expires_at - timedelta(seconds=1))
        with pytest.raises(Refused) as refused:
            await files.find(connection, kept.key.text(), kept.expires_at)
        assert refused.value.refusal.code is RefusalCode.FILE_EXPIRED
    async with database.owner() as connection:
        assert await files.remove_expired(connection, kept.expires_at - timedelta(seconds=1)) == 0
        assert await files.remove_expired(connection, kept.expires_at) == 1
        assert await connection.fetchval("SELECT count(*) FROM platform.file") == 0
