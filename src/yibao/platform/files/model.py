"""A file that an institution sent, or that was made for one."""

from dataclasses import dataclass
from datetime import datetime

from yibao.kernel.identifiers import PoolKey


@dataclass(frozen=True, slots=True)
class StoreFile:
    """Keep a file for an institution (文件上传, 9101)."""

    institution: str
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known of a kept file without opening it."""

    key: PoolKey
    """Its query number (文件查询号, ``file_qury_no``) is the key's text."""
    institution: str
    """Whose it is; nobody else sees it."""
    name: str
    expires_at: datetime
    """Aware UTC; from then on it cannot be fetched any more."""
