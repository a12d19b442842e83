"""The demo's two clerks: one proposes, the other approves."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.bureau.clerks import service
from yibao.bureau.clerks.model import Clerk
from yibao.platform.crypto import Vault

if TYPE_CHECKING:
    from asyncpg import Connection

CLERKS = (Clerk("demo1", "演示经办甲"), Clerk("demo2", "演示经办乙"))


async def enter(connection: "Connection[Any]", vault: Vault, *, now: datetime) -> None:
    """Enter the clerks, each with a key of this sandbox's own."""
    for clerk in CLERKS:
        await service.add(connection, vault, clerk, now=now, key=key_of(vault, clerk.code))


async def told(connection: "Connection[Any]", vault: Vault) -> list[dict[str, Any]]:
    """The demo's clerks that there are, with their keys."""
    known = {clerk.code for clerk in CLERKS}
    return [
        {"code": clerk.code, "name": clerk.name, "key": key_of(vault, clerk.code)}
        for clerk in await service.listed(connection, vault)
        if clerk.code in known
    ]


def key_of(vault: Vault, code: str) -> str:
    """A clerk's key: drawn from the sandbox's vault, so that it can be shown again."""
    return vault.fingerprint("demo clerk", code).hex()[:24]
