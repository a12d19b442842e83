"""Migrations: to the newest, many at once, on other servers, and to the kept schema."""

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from yibao.platform.database import Database
from yibao.platform.migrations import FOLDER, current, head, migrate
from yibao.platform.migrations.schema import KEPT, describe_schema
from yibao.platform.settings import SettingsFault

DEBIAN_BINARIES = Path("/usr/lib/postgresql/15/bin")


async def test_an_empty_database_comes_to_the_newest_revision(empty_dsn: str) -> None:
    assert await current(empty_dsn) is None
    await migrate(empty_dsn)
    assert await current(empty_dsn) == head()


async def test_migrating_again_changes_nothing(dsn: str) -> None:
    before = await schema_of(dsn)
    await migrate(dsn)
    assert await schema_of(dsn) == before


async def test_a_newer_versions_database_is_left_as_it_is(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("UPDATE platform.alembic_version SET version_num = '9999'")
    await connection.close()
    with pytest.raises(SettingsFault, match="install the version that migrated it"):
        await migrate(dsn)
    assert await current(dsn) == "9999"


async def test_many_may_migrate_at_once(empty_dsn: str) -> None:
    await asyncio.gather(*(migrate(empty_dsn) for _ in range(4)))
    assert await current(empty_dsn) == head()


async def test_the_migrations_amount_to_the_kept_schema(dsn: str) -> None:
    assert await schema_of(dsn) == KEPT.read_text(encoding="utf-8"), "run `make schema`"


async def test_a_changed_schema_is_noticed(dsn: str) -> None:
    before = await schema_of(dsn)
    connection = await asyncpg.connect(dsn)
    await connection.execute("ALTER TABLE platform.writer ALTER given_at SET DEFAULT now()")
    await connection.close()
    assert await schema_of(dsn) != before


async def test_every_schema_that_is_made_is_kept(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE SCHEMA annex; CREATE TABLE annex.room (number integer)")
    await connection.close()
    assert "annex.room . number integer" in await schema_of(dsn)


async def test_a_failed_migration_leaves_nothing(empty_dsn: str) -> None:
    connection = await asyncpg.connect(empty_dsn)
    await connection.execute("CREATE SCHEMA settlement")  # the first revision stumbles over it
    await connection.close()
    with pytest.raises(Exception, match="settlement"):
        await migrate(empty_dsn)
    assert await current(empty_dsn) is None


def test_every_revision_is_a_pair_of_files_numbered_in_order() -> None:
    stems = sorted(p.stem for p in (FOLDER / "versions").glob("[0-9]*.py"))
    assert stems == sorted(p.stem for p in (FOLDER / "versions").glob("*.sql"))
    assert [stem.split("_")[0] for stem in stems] == [f"{n:04}" for n in range(1, len(stems) + 1)]


async def schema_of(dsn: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        return await describe_schema(connection)
    finally:
        await connection.close()


def without_views(schema: str) -> list[str]:
    """Without the text of views, which each version of PostgreSQL writes in its own way."""
    return [line for line in schema.splitlines() if " : VIEW " not in line]


# ----------------------------------------------------------------------- a PostgreSQL of one's own


@pytest.fixture(scope="module")
def debian_dsn() -> Iterator[str]:
    """An owner without superuser rights on Debian's PostgreSQL 15, over TCP with a password."""
    if not (DEBIAN_BINARIES / "initdb").exists():
        pytest.skip("Debian's PostgreSQL 15 is not installed")
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    as_user: dict[str, object] = {}
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [DEBIAN_BINARIES / program, *arguments],
            check=True, cwd="/", stdout=subprocess.DEVNULL, **as_user,
        )  # fmt: skip

    run("initdb", "-D", f"{folder}/c", "-U", "admin", "--auth=trust", "--no-sync", "-E", "UTF8")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off"
    run("pg_ctl", "-D", f"{folder}/c", "-l", f"{folder}/log", "-w", "-o", options, "start")
    try:
        asyncio.run(_make_owner(folder))
        yield f"postgresql://bureau:secret@/bureau?host={folder}"
    finally:
        run("pg_ctl", "-D", f"{folder}/c", "-m", "immediate", "stop")
        shutil.rmtree(folder)


async def _make_owner(folder: Path) -> None:
    connection = await asyncpg.connect(f"postgresql://admin@/postgres?host={folder}")
    await connection.execute("CREATE ROLE bureau LOGIN CREATEROLE PASSWORD 'secret'")
    await connection.execute("CREATE DATABASE bureau OWNER bureau")
    await connection.close()


@pytest.mark.database
async def test_debians_postgresql_15_serves_as_well(debian_dsn: str) -> None:
    await migrate(debian_dsn)
    assert await current(debian_dsn) == head()
    kept = KEPT.read_text(encoding="utf-8")
    assert without_views(await schema_of(debian_dsn)) == without_views(kept)
    database = await Database.open(debian_dsn)
    async with database.writer() as writer, database.reader(None) as reader:
        assert await writer.fetchval("SELECT current_user") == "yibao_writer"
        assert await reader.fetchval("SELECT current_user") == "yibao_reader"
    await database.numbers()
    await database.close()


async def test_an_owner_without_superuser_rights_serves_as_well(postgres: str) -> None:
    admin = await asyncpg.connect(postgres)
    await admin.execute("CREATE ROLE clerk LOGIN CREATEROLE PASSWORD 'secret'")
    await admin.execute("CREATE DATABASE clerk OWNER clerk")
    await admin.execute("GRANT yibao_writer, yibao_reader TO clerk")
    dsn = f"postgresql://clerk:secret@/clerk?{postgres.rsplit('?', 1)[1]}"
    try:
        await migrate(dsn)
        database = await Database.open(dsn)
        await database.close()
    finally:
        await admin.execute("DROP DATABASE clerk WITH (FORCE)")
        await admin.execute("REVOKE yibao_writer, yibao_reader FROM clerk; DROP ROLE clerk")
        await admin.close()
