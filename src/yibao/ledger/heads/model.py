"""A signed daily head (账簿日终签名), and the text in which an auditor keeps it elsewhere."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any, NamedTuple

from yibao.kernel.areas import Pool, is_pool

PURPOSE = b"yibao ledger head"
"""What the signing key is derived for."""

_MARK = struct.Struct(">hq")


class Mark(NamedTuple):
    """How far a writer's chain had come."""

    writer: int
    number: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chains of a pool stood when a business day had ended."""

    pool: Pool
    day: date
    marks: tuple[Mark, ...]
    """One for each writer that ever wrote, by its number."""
    previous: bytes
    """Hash of the pool's head before; 32 zero bytes for the first."""
    hash: bytes
    public_key: bytes
    signature: bytes
    """SM2, by ``public_key`` over the hash."""
    made_at: datetime | None = None
    """None of a head that was read from an export."""

    def as_json(self) -> dict[str, Any]:
        """Plain JSON; what is bytes is hex."""
        return {
            "pool": self.pool,
            "day": self.day.isoformat(),
            "writers": [
                {"writer": mark.writer, "number": mark.number, "hash": mark.hash.hex()}
                for mark in self.marks
            ],
            "previous": self.previous.hex(),
            "hash": self.hash.hex(),
            "public_key": self.public_key.hex(),
            "signature": self.signature.hex(),
        }


def head_hash(pool: Pool, day: date, marks: tuple[Mark, ...], previous: bytes) -> bytes:
    """SHA-256 of pool (UTF-8), day (ISO), previous hash and, for each writer, its number as two
    bytes, the block's as eight and the block's hash.
    """
    told = b"".join(_MARK.pack(mark.writer, mark.number) + mark.hash for mark in marks)
    return sha256(pool.encode() + day.isoformat().encode() + previous + told).digest()


def head_of_json(told: Mapping[str, Any]) -> Head:
    """A head as ``as_json`` wrote it. Raises ValueError for anything else."""
    try:
        if not is_pool(told["pool"]):
            raise ValueError(f"{told['pool']!r} is no pool")
        return Head(
            Pool(told["pool"]),
            date.fromisoformat(told["day"]),
            tuple(
                Mark(int(one["writer"]), int(one["number"]), bytes.fromhex(one["hash"]))
                for one in told["writers"]
            ),
            bytes.fromhex(told["previous"]),
            bytes.fromhex(told["hash"]),
            bytes.fromhex(told["public_key"]),
            bytes.fromhex(told["signature"]),
        )
    except (KeyError, TypeError) as fault:
        raise ValueError(f"no head of a ledger: {fault!r}") from None
