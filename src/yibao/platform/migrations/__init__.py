"""Migrations: numbered SQL files, run once each and in order by Alembic.

A revision is a pair of files in ``versions``: ``NNNN_room.py`` (its number, its predecessor, one
call) and ``NNNN_room.sql`` (plain SQL). There is no way down: a mistake is mended by the next
revision. All that is missing runs in one transaction, under an advisory lock.
"""

from pathlib import Path

import asyncpg

from yibao.platform.settings import SettingsFault

FOLDER = Path(__file__).parent


async def migrate(dsn: str) -> None:
    """Bring the database to the newest revision. May be called by many processes at once.

    Raises SettingsFault for a database that a newer version has migrated.
    """
    revision = await current(dsn)
    if revision == head():
        return
    if revision is not None and revision > head():
        raise SettingsFault("database", difference(revision))
    from yibao.platform.migrations.upgrade import upgrade  # slow to import, seldom needed

    await upgrade(dsn)


def head() -> str:
    """The newest revision that this program knows."""
    return max(path.stem.split("_")[0] for path in (FOLDER / "versions").glob("[0-9]*.py"))


async def current(dsn: str) -> str | None:
    """The revision that the database is at; None when it was never migrated."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        if await connection.fetchval("SELECT to_regclass('platform.alembic_version')") is None:
            return None
        revision: str | None = await connection.fetchval(
            "SELECT version_num FROM platform.alembic_version"
        )
        return revision
    finally:
        await connection.close()


def difference(revision: str | None) -> str:
    """What to do about a database whose revision is not this program's newest one."""
    if revision is not None and revision > head():
        return (
            f"the database is at revision {revision}, this program knows {head()} at most:"
            " install the version that migrated it, or restore the backup from before"
        )
    return f"the database is at revision {revision or 'none'}, not {head()}: run `yibao migrate`"


def run_sibling_sql(revision_file: str) -> None:
    """Run the .sql file beside a revision's .py file: many statements, one round trip."""
    from yibao.platform.migrations.upgrade import run_script

    run_script(Path(revision_file).with_suffix(".sql").read_text(encoding="utf-8"))
