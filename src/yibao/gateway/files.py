"""Files up and down (文件上传、下载): 9101, 9102."""

import asyncio
import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from yibao.gateway import catalogue
from yibao.gateway.context import Call, Context, FileAnswer, missing
from yibao.gateway.dispatch import transaction
from yibao.gateway.writing import moment
from yibao.kernel.areas import NO_PERSON_POOL
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.files import service as files
from yibao.platform.files.model import FileFacts, StoreFile


@transaction("9101")
async def upload(call: Call) -> Any:
    """Keep a file for the institution; its query number fetches it again."""
    sent = call.input["fsUploadIn"]
    _check_own(call, sent["fixmedins_code"], "fsUploadIn.fixmedins_code")
    if "in" not in sent:
        raise missing("fsUploadIn.in", "文件数据")
    content = await asyncio.to_thread(_decoded, sent["in"])

    async def recall(reference: Mapping[str, Any]) -> FileFacts:
        async with call.context.database.reader([call.institution.code]) as connection:
            return await files.recall_file(connection, reference)

    facts: FileFacts = await call.perform(
        NO_PERSON_POOL,
        call.institution.code,
        StoreFile(call.institution.code, sent["filename"], content),
        recall,
    )
    return {
        "file_qury_no": facts.key.text(),
        "filename": facts.name,
        "fixmedins_code": facts.institution,
        "dld_endtime": moment(facts.expires_at),
    }


def _decoded(sent: Any) -> bytes:
    """The file behind Base64 text, or behind a list of byte values (0…255, or −128…127)."""
    if isinstance(sent, str):
        text = sent.partition(";base64,")[2] if sent.startswith("data:") else sent
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            raise _undecodable("应为Base64文本或字节数组") from None
    if not isinstance(sent, list):
        raise _undecodable("应为Base64文本或字节数组")
    try:
        # a signed byte (Java) and an unsigned one are the same byte
        return bytes(value + 256 if -128 <= value < 0 else value for value in sent)
    except (TypeError, ValueError):
        raise _undecodable("字节数组的元素应为0至255（或-128至127）的整数") from None


def _undecodable(rule: str) -> Refused:
    return Refused(RefusalCode.FIELD_INVALID, f"fsUploadIn.in（文件数据）{rule}", "fsUploadIn.in")


@transaction("9102")
async def download(call: Call) -> Any:
    """Send a file: one of the institution's own, or of the catalogue."""
    sent = call.input["fsDownloadIn"]
    _check_own(call, sent["fixmedins_code"], "fsDownloadIn.fixmedins_code")
    return await fetch(call.context, [call.institution.code], sent["file_qury_no"])


async def fetch(context: Context, institutions: Sequence[str], number: str) -> FileAnswer:
    """The file behind a query number, if it belongs to one of the institutions or to everybody.

    Also behind ``GET ?file_qury_no=``; Refused when there is none.
    """
    made = await catalogue.file_behind(context, number)
    if made is not None:
        return made
    async with context.database.reader(institutions) as connection:
        facts = await files.find(connection, number, context.clock.now())
        content = await files.content_of(connection, context.vault, facts)
    return FileAnswer(facts.name, content)


def _check_own(call: Call, code: str, field: str) -> None:
    """The node repeats the envelope's institution; another one's files are none of the caller's."""
    if code != call.institution.code:
        raise Refused(
            RefusalCode.INSTITUTION_NOT_ALLOWED,
            f"{field}（医药机构编号）{code} 与报文的机构编号 {call.institution.code} 不一致",
            field,
        )
