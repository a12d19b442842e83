"""What an administrator does with clerks, and signing in."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.bureau.clerks import rules, store
from yibao.bureau.clerks.model import Clerk, MadeClerk
from yibao.kernel.areas import Pool, is_pool
from yibao.kernel.periods import local_time
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.platform.crypto import Vault
from yibao.platform.database import Database

if TYPE_CHECKING:
    from asyncpg import Connection

_CODE_LENGTH = 30


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


async def sign_in(database: Database, vault: Vault, code: str, key: str, now: datetime) -> Clerk:
    """The clerk whose code and key these are.

    Every try is kept, in a transaction of its own. A wrong code, a wrong key and a suspended clerk
    are told alike, so that nobody learns which codes there are; too many wrong keys in a row lock
    the clerk out for a time, the right key as well.
    """
    async with database.writer() as connection, connection.transaction():
        found = await _signed_in(connection, vault, code, key, now)
    if isinstance(found, Refusal):
        raise Refused.of(found)
    return found


async def _signed_in(
    connection: "Connection[Any]", vault: Vault, code: str, key: str, now: datetime
) -> Clerk | Refusal:
    """A refusal is a value here: raised, it would roll back the try that it is about."""
    row = await store.find(connection, code, lock=True)
    wrong = Refusal(RefusalCode.CLERK_UNKNOWN, "经办人员编号或个人密钥不正确", "key")
    if row is None:
        rules.hashed(key)  # as slow as for a clerk that there is
        return wrong
    if until := rules.locked_until(await store.latest_tries(connection, code), now):
        shown = local_time(until).strftime("%H:%M")
        return Refusal(
            RefusalCode.CLERK_LOCKED,
            f"经办人员 {code} 连续多次密钥错误，暂时锁定，请在 {shown} 之后再试",
            "key",
        )
    succeeded = rules.matches(key, row.salt, row.hashed_key) and not row.suspended
    await store.record_try(connection, code, now, succeeded=succeeded)
    if not succeeded:
        return wrong
    return Clerk(code, vault.open(row.sealed_name), tuple(Pool(pool) for pool in row.pools))


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
