"""The door of the room: files that institutions send and fetch."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.model import Command, Done, Handler, Outcome, Unit
from yibao.platform.crypto import Vault
from yibao.platform.files import rules, store
from yibao.platform.files.model import FileFacts, StoreFile

if TYPE_CHECKING:
    from asyncpg import Connection

__all__ = [
    "FileFacts",
    "StoreFile",
    "content_of",
    "find",
    "handlers",
    "keep",
    "packed",
    "recall_file",
    "remove_expired",
    "the_text_in",
]

the_text_in = rules.the_text_in
packed = rules.packed
remove_expired = store.remove_expired


def handlers(vault: Vault) -> Mapping[type, Handler]:
    """The handler of each kind of request of this room."""

    async def handle(unit: Unit, commands: Sequence[Command]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for command in commands:
            request: StoreFile = command.request
            try:
                facts = await keep(unit, vault, request.institution, request.name, request.content)
            except Refused as refused:
                outcomes.append(refused.refusal)
            else:
                outcomes.append(Done(facts, {"file": facts.key.text()}))
        return outcomes

    return {StoreFile: handle}


async def keep(unit: Unit, vault: Vault, institution: str, name: str, content: bytes) -> FileFacts:
    """Keep a file until it expires; refused when its name or content is not sound."""
    rules.check_name(name)
    rules.check_content(name, content)
    key = PoolKey(unit.pool, unit.numbers.next(unit.now))
    facts = FileFacts(key, institution, name, unit.now + rules.KEPT)
    await store.insert(unit.connection, facts, vault.seal_bytes(content), unit.now)
    return facts


async def find(connection: "Connection[Any]", number: str, now: datetime) -> FileFacts:
    """The file behind a query number; refused when it is not there, not seen, or expired."""
    key = parse_pool_key(number)
    facts = None if key is None else await store.find(connection, key)
    if facts is None:
        raise Refused(
            RefusalCode.FILE_UNKNOWN,
            f"file_qury_no（文件查询号）{number[:40]} 不存在或不属于本机构",
            "file_number",
        )
    if facts.expires_at <= now:
        raise Refused(
            RefusalCode.FILE_EXPIRED,
            f"file_qury_no（文件查询号）{number} 已过下载截止时间，请重新生成",
            "file_number",
        )
    return facts


async def content_of(connection: "Connection[Any]", vault: Vault, facts: FileFacts) -> bytes:
    """The bytes of a file that was found."""
    return vault.open_bytes(await store.sealed(connection, facts.key))


async def recall_file(connection: "Connection[Any]", reference: Mapping[str, Any]) -> FileFacts:
    """The facts that a repeated upload answers with again; refused once the file is removed."""
    key = parse_pool_key(reference["file"])
    facts = None if key is None else await store.find(connection, key)
    if facts is None:
        raise Refused(RefusalCode.FILE_EXPIRED, "该报文上传的文件已过期清除", "file_number")
    return facts
