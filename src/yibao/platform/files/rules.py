"""What may be kept as a file, and what a ZIP that comes from outside may hold."""

import io
import unicodedata
import zipfile
from datetime import timedelta

from yibao.kernel.refusals import RefusalCode, Refused

KEPT = timedelta(days=30)
"""How long a file can be fetched: a month's reconciliation is asked about in the month after it."""

SIZE_LIMIT = 5 * 1024 * 1024
"""Bytes of a file: as Base64 it still fits into the 8 MB of a message."""

UNPACKED_LIMIT = 64 * 1024 * 1024
"""Bytes that a ZIP may hold unpacked; 3202 has about 80 bytes a settlement."""

RATIO_LIMIT = 200
"""Unpacked bytes for each packed one: tables of figures come to 5 to 30, a bomb to 1,000."""

_SMALL = 1024 * 1024
"""A ZIP that unpacks to no more than this does no harm, whatever its ratio."""
_ENCRYPTED = 0x1
_CHUNK = 1 << 16


_INVISIBLE = frozenset({"Cc", "Cf", "Zl", "Zp"})
"""Breaks of a line, and marks that let a name read otherwise than it is written."""


def check_name(name: str) -> None:
    """A file has a plain name: no folders, no drive, nothing that a shell would expand."""
    if name in (".", "..") or any(
        character in '/\\:*?"<>|' or unicodedata.category(character) in _INVISIBLE
        for character in name
    ):
        raise Refused(
            RefusalCode.FILE_INVALID,
            f"文件名“{name[:60]}”不得含路径或特殊字符，只填文件名本身",
            "file_name",
        )


def check_content(name: str, content: bytes) -> None:
    """A file is not empty and not too large; what calls itself a ZIP is one, and a harmless one."""
    if not content:
        raise Refused(RefusalCode.FILE_INVALID, "文件内容为空", "file_content")
    if len(content) > SIZE_LIMIT:
        raise Refused(
            RefusalCode.FILE_INVALID,
            f"文件不得超过{SIZE_LIMIT // 1024 // 1024}MB，实为{len(content)}字节",
            "file_content",
        )
    if name.lower().endswith(".zip"):
        open_archive(content).close()


def the_text_in(content: bytes) -> bytes:
    """The one file that a ZIP of the interface holds."""
    with open_archive(content) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if len(members) != 1:
            raise _invalid(f"ZIP内应只有一个TXT文件，实有{len(members)}个")
        return _unpacked(archive, members[0])


def open_archive(content: bytes) -> zipfile.ZipFile:
    """The ZIP, once its table of contents has been found sound; nothing is unpacked yet."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise _invalid("不是有效的ZIP文件") from None
    unpacked = 0
    for member in archive.infolist():
        if member.is_dir() or "/" in member.filename or "\\" in member.filename:
            raise _invalid(f"ZIP内不得含目录：{member.filename[:60]}")
        if member.flag_bits & _ENCRYPTED:
            raise _invalid("ZIP不得加密")
        unpacked += member.file_size
    if unpacked > UNPACKED_LIMIT:
        raise _invalid(f"ZIP解压后不得超过{UNPACKED_LIMIT // 1024 // 1024}MB，实为{unpacked}字节")
    if unpacked > _SMALL and unpacked > RATIO_LIMIT * len(content):
        raise _invalid(
            f"ZIP压缩比不得超过{RATIO_LIMIT}，实为{unpacked // len(content)}，疑为压缩炸弹"
        )
    return archive


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """A member's bytes, never more than its entry declares: the declaration may be a lie."""
    pieces: list[bytes] = []
    size = 0
    try:
        with archive.open(member) as source:
            while piece := source.read(_CHUNK):
                size += len(piece)
                if size > member.file_size:
                    raise _invalid("ZIP内文件的实际大小与目录不符")
                pieces.append(piece)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError, OSError) as error:
        raise _invalid(f"ZIP内文件损坏，无法解压：{type(error).__name__}") from None
    except Exception as error:  # zlib, lzma and bz2 each raise an error of their own
        if isinstance(error, Refused):
            raise
        raise _invalid(f"ZIP内文件损坏，无法解压：{type(error).__name__}") from None
    return b"".join(pieces)


def packed(name: str, text: bytes) -> bytes:
    """A ZIP that holds one file."""
    packed_file = io.BytesIO()
    with zipfile.ZipFile(packed_file, "w", zipfile.ZIP_DEFLATED) as archive:
        # a fixed time keeps the same content the same bytes
        archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)
    return packed_file.getvalue()


def _invalid(reason: str) -> Refused:
    return Refused(RefusalCode.FILE_INVALID, reason, "file_content")
