"""What an administrator does with clerks, and signing in."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.bureau.clerks import rules, store
from yibao.bureau.clerks.model import Clerk, MadeClerk, SignedIn
from yibao.kernel.areas import Pool, is_pool
from yibao.kernel.periods import local_time
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.platform.crypto import Vault
from yibao.platform.database import Database

if TYPE_CHECKING:
    from asyncpg import Connection

_CODE_LENGTH, _KEY_LENGTH = 30, 200


async def add(
    connection: "Connection[Any]",
    vault: Vault,
    clerk: Clerk,
    *,
    now: datetime,
    key: str | None = None,
) -> MadeClerk:
    """Enter a clerk, or give one a new key (and another name, other pools; suspended no more).

    The key is drawn unless one is given. Refused for a code, name or pool that cannot be one.
    """
    _check(clerk)
    drawn = key or rules.new_key()
    salt, hashed = rules.hashed(drawn)
    row = store.ClerkRow(
        clerk.code, vault.seal(clerk.name), list(clerk.pools), salt, hashed, clerk.suspended
    )
    await store.insert(connection, row, now)
    return MadeClerk(clerk, drawn)


async def suspend(connection: "Connection[Any]", code: str, *, now: datetime) -> None:
    """A clerk signs in no more. Refused when there is none of this code."""
    row = await store.find(connection, code, lock=True)
    if row is None:
        raise Refused(RefusalCode.CLERK_UNKNOWN, f"没有编号为 {code} 的经办人员", "clerk")
    if not row.suspended:
        await store.insert(connection, row._replace(suspended=True), now)


async def listed(connection: "Connection[Any]", vault: Vault) -> Sequence[Clerk]:
    """All clerks, by code; a reader without the bureau's sight sees none."""
    return [
        Clerk(code, vault.open(name), tuple(Pool(pool) for pool in pools), suspended)
        for code, name, pools, suspended in await store.visible(connection)
    ]


async def sign_in(
    database: Database, vault: Vault, code: str, key: str, address: str, now: datetime
) -> SignedIn:
    """The clerk whose code and key these are; ``address`` is where the try comes from.

    Every try is kept, in a transaction of its own. A wrong code, a wrong key and a suspended clerk
    are told alike and take as long, so that nobody learns which codes there are; too many wrong
    keys in a row lock the clerk out for a time at the address that sent them, the right key as
    well, which alone is told so.
    """
    if len(key) > _KEY_LENGTH:
        key = ""  # none that was ever made; but it costs the same time
    row = await _kept(database, code)
    salt, hashed = (row.salt, row.hashed_key) if row else _NOBODY
    # outside of any transaction: whoever guesses holds neither a lock nor the loop
    loop = asyncio.get_running_loop()
    matches = await loop.run_in_executor(_TRYING, rules.matches, key, salt, hashed)
    if row is not None:
        async with database.writer() as connection, connection.transaction():
            found = await _signed_in(connection, vault, row, address, now, matches=matches)
        if isinstance(found, Refusal):
            raise Refused.of(found)
        return found
    raise Refused.of(_WRONG)


locked_out = store.locked_out
"""How many pairs of clerk and address are locked out now; for /metrics."""


async def at_work(database: Database, vault: Vault, code: str, mark: str) -> Clerk | None:
    """The clerk who signed in under a mark; None when suspended, or given another key, since."""
    row = await _kept(database, code)
    if row is None or row.suspended or row.mark != mark:
        return None
    return _clerk(vault, row)


async def is_suspended(connection: "Connection[Any]", code: str) -> bool:
    """Whether a clerk was suspended, as it stands inside this transaction."""
    row = await store.find(connection, code)
    return row is not None and row.suspended


_TRYING = ThreadPoolExecutor(2, "clerks-key")
"""Tries so many keys at once: each takes 16 MB and some 50 ms."""
_NOBODY = (bytes(16), bytes(32))
"""Salt and hash that are tried for a code that nobody has."""
_WRONG = Refusal(RefusalCode.CLERK_UNKNOWN, "经办人员编号或个人密钥不正确", "key")


async def _kept(database: Database, code: str) -> store.ClerkRow | None:
    if not (code.isascii() and code.isalnum() and len(code) <= _CODE_LENGTH):
        return None
    async with database.writer() as connection:
        return await store.find(connection, code)


async def _signed_in(
    connection: "Connection[Any]",
    vault: Vault,
    tried: store.ClerkRow,
    address: str,
    now: datetime,
    *,
    matches: bool,
) -> SignedIn | Refusal:
    """A refusal is a value here: raised, it would roll back the try that it is about."""
    code = tried.code
    row = await store.find(connection, code, lock=True)
    succeeded = matches and row is not None and row.mark == tried.mark and not row.suspended
    tries = await store.latest_tries(connection, code, address, now)
    if until := rules.locked_until(tries, now):
        if not succeeded:
            return _WRONG
        shown = local_time(until).strftime("%H:%M")
        return Refusal(
            RefusalCode.CLERK_LOCKED,
            f"经办人员 {code} 连续多次密钥错误，暂时锁定，请在 {shown} 之后再试",
            "key",
        )
    await store.record_try(connection, code, address, now, succeeded=succeeded)
    return SignedIn(_clerk(vault, tried), tried.mark) if succeeded else _WRONG


def _clerk(vault: Vault, row: store.ClerkRow) -> Clerk:
    pools = tuple(Pool(pool) for pool in row.pools)
    return Clerk(row.code, vault.open(row.sealed_name), pools, row.suspended)


def _check(clerk: Clerk) -> None:
    if not (clerk.code.isascii() and clerk.code.isalnum() and len(clerk.code) <= _CODE_LENGTH):
        raise Refused(
            RefusalCode.FIELD_INVALID,
            f"经办人员编号应为{_CODE_LENGTH}位以内的字母和数字，不能是 {clerk.code!r}",
            "clerk",
        )
    if not clerk.name.strip():
        raise Refused(RefusalCode.FIELD_MISSING, "经办人员姓名不能为空", "name")
    for pool in clerk.pools:
        if not is_pool(pool):
            raise Refused(RefusalCode.FIELD_INVALID, f"统筹区 {pool} 不是六位代码", "pools")
