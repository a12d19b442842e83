"""What is wrong with this installation, and what to do about it."""

import asyncio
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
from rich.console import Group, RenderableType
from rich.table import Table

from yibao.cli.serving import open_database
from yibao.platform import migrations
from yibao.platform.backup.record import last_backup
from yibao.platform.crypto import Unsealable, Vault, load_key
from yibao.platform.database import Database
from yibao.platform.logging import mask_text
from yibao.platform.postgres import PostgresFailed
from yibao.platform.settings import Settings, SettingsFault, mask_url
from yibao.platform.vitals import times_of
from yibao.policy.load import load_law_book
from yibao.policy.parameters import LawError
from yibao.registry.service import ReferenceCache

OLDEST_POSTGRESQL = 150_000
_GIB = 1024**3
_LEAST_FREE = _GIB
_LEAST_SHARE_FREE = 0.05
_OLDEST_BACKUP = timedelta(days=2)
_CLOCK_OFF = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked."""

    what: str
    told: str
    remedy: str | None = None
    """What to do; None when all is well."""


class _Fault(Exception):  # noqa: N818 - reads as a fact
    """A check failed: what was found, and what to do."""

    def __init__(self, told: str, remedy: str) -> None:
        self.told = told
        self.remedy = remedy
        super().__init__(told)


def examine(settings: Settings) -> list[Finding]:
    """Check everything that does not depend on a failed check."""
    findings = [
        _check("data folder", lambda: _data_folder(settings)),
        _check("disk", lambda: _disk(settings)),
        _check("vault key", lambda: _vault_key(settings)),
        _check("law", lambda: _law(settings)),
    ]
    if settings.database_url is None and not (settings.data / "postgres" / "cluster").exists():
        remedy = f"run `yibao serve --data {settings.data}` (with --sandbox to try it out) first"
        return [*findings, Finding("database", "none yet in the data folder", remedy)]
    if not settings.sandbox:
        findings.append(_check("backup", lambda: _backup(settings)))
    try:
        with open_database(settings) as dsn:
            findings.append(_check("database", lambda: asyncio.run(_database(dsn))))
            if not findings[-1].remedy:
                findings.append(_check("migrations", lambda: asyncio.run(_migrated(dsn))))
            if not findings[-1].remedy:
                findings.append(_check("clock", lambda: asyncio.run(_clock(dsn))))
            if not findings[-1].remedy:
                findings.append(_check("catalogue", lambda: asyncio.run(_catalogue(settings, dsn))))
    except PostgresFailed as fault:
        findings.append(Finding("database", "the embedded PostgreSQL does not start", str(fault)))
    return findings


def render(settings: Settings, findings: list[Finding]) -> RenderableType:
    """Settings (secrets masked) and findings as tables."""
    values = Table("setting", "value", title="Settings", title_justify="left")
    for name, value in settings.masked().items():
        values.add_row(name, value)
    checks = Table("", "check", "found", "what to do", title="Checks", title_justify="left")
    for finding in findings:
        sign = "[red]✗[/red]" if finding.remedy else "[green]✓[/green]"
        checks.add_row(sign, finding.what, finding.told, finding.remedy or "")
    return Group(values, checks)


def _check(what: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(what, check())
    except _Fault as fault:
        return Finding(what, fault.told, fault.remedy)


def _data_folder(settings: Settings) -> str:
    folder = settings.data.absolute()
    place = _existing(folder)
    if not os.access(place, os.W_OK | os.X_OK):
        raise _Fault(
            f"{place} may not be written to", "choose another folder by --data or YIBAO_DATA"
        )
    return str(folder) if folder.exists() else f"{folder} (made at the first start)"


def _disk(settings: Settings) -> str:
    usage = shutil.disk_usage(_existing(settings.data.absolute()))
    told = f"{usage.free / _GIB:.1f} GiB of {usage.total / _GIB:.1f} free"
    if usage.free < max(_LEAST_FREE, _LEAST_SHARE_FREE * usage.total):
        raise _Fault(told, "make room, or move the data folder to a larger disk")
    return told


def _backup(settings: Settings) -> str:
    taken = last_backup(settings.data)
    if taken is None:
        made = settings.data / "postgres" / "cluster" / "PG_VERSION"
        if made.exists() and time.time() - made.stat().st_mtime > _OLDEST_BACKUP.total_seconds():
            raise _Fault("none was ever taken", "run `yibao backup FILE`, daily and by a timer")
        return "none yet"
    age = datetime.now(UTC) - taken
    told = f"{age.days} days, {age.seconds // 3600} hours ago"
    if age > _OLDEST_BACKUP:
        raise _Fault(told, "run `yibao backup FILE`, daily and by a timer")
    return told


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())


def _vault_key(settings: Settings) -> str:
    none = settings.vault_key is None and not (settings.data / "vault.key").exists()
    fresh = settings.database_url is None and not (settings.data / "postgres").exists()
    if none and (settings.sandbox or fresh):
        return "none yet (a sandbox makes its own)"
    try:
        load_key(settings)
    except SettingsFault as fault:
        raise _Fault("there is none that can be used", str(fault)) from None
    return "from YIBAO_VAULT_KEY" if settings.vault_key else "from the data folder"


def _law(settings: Settings) -> str:
    try:
        book = load_law_book(settings.law)
    except (LawError, OSError) as error:
        raise _Fault("cannot be loaded", f"mend the law file: {error}") from None
    return f"{len(book.laws)} laws"


async def _database(dsn: str) -> str:
    try:
        connection = await asyncpg.connect(dsn, timeout=10)
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        raise _Fault(
            f"does not answer: {mask_text(str(error) or type(error).__name__)}",
            f"look whether its server runs ({mask_url(dsn)}): your own by DATABASE_URL, the"
            " embedded one by postgres/server.log in the data folder",
        ) from None
    try:
        number = int(await connection.fetchval("SHOW server_version_num"))
        version = await connection.fetchval("SHOW server_version")
    finally:
        await connection.close()
    if number < OLDEST_POSTGRESQL:
        raise _Fault(f"PostgreSQL {version} is too old", "use PostgreSQL 15 or later")
    return f"PostgreSQL {version} at {mask_url(dsn)}"


async def _migrated(dsn: str) -> str:
    revision, newest = await migrations.current(dsn), migrations.head()
    if revision != newest:
        told, remedy = migrations.difference(revision).split(": ")
        raise _Fault(told, remedy)
    return f"at revision {newest}"


async def _clock(dsn: str) -> str:
    """Compared with the database's, and with the last time that a server began."""
    before = datetime.now(UTC)
    theirs, latest = await times_of(dsn)
    after = datetime.now(UTC)
    remedy = "let both machines follow the same time server (chrony, systemd-timesyncd)"
    if latest > after + _CLOCK_OFF:
        raise _Fault(
            f"it is {after:%Y-%m-%d %H:%M:%S} UTC, a server began at {latest:%Y-%m-%d %H:%M:%S}",
            f"the clock was set back: {remedy}",
        )
    off = max(theirs - after, before - theirs, timedelta(0))
    if off > _CLOCK_OFF:
        raise _Fault(f"{off.total_seconds():.0f} s off the database's", remedy)
    return "agrees with the database's"


async def _catalogue(settings: Settings, dsn: str) -> str:
    try:
        vault = Vault(load_key(settings))
    except SettingsFault as fault:
        raise _Fault("cannot be read without the vault key", str(fault)) from None
    database = await Database.open(dsn, writers=1, readers=1)
    try:
        async with database.reader(None) as connection:
            reference = await ReferenceCache(vault).current(connection)
    except Unsealable as fault:
        raise _Fault(
            str(fault), "give the key that this database was filled with (YIBAO_VAULT_KEY)"
        ) from None
    finally:
        await database.close()
    catalogue = reference.catalogue
    if not catalogue.items:
        raise _Fault("is empty", "fill it: `yibao serve --sandbox` brings the demonstration's")
    return f"{len(catalogue.items):,} items, version {catalogue.version}"
