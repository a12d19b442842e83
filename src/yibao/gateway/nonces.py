"""Nonces that were used, remembered across the server's processes, best effort.

A file of fixed size is mapped into each process: a nonce's digest finds a bucket of eight places;
the oldest place gives way. A look costs some microseconds and no lock: two processes that meet the
same nonce in the same microsecond may both let it in, and under more traffic than the file has
places the window shrinks. Messages are done once whatever comes through here; this is for the rest.
Processes on other machines do not see the file.
"""

import hashlib
import struct
from pathlib import Path

from yibao.platform.mapped import mapped

_PLACE = struct.Struct("<16s8sq")
"""Digest of the nonce, digest of the body, and when (Unix seconds)."""
_CONTENT = 8
_PLACES = 8
_TIMES = struct.Struct("<" + "24xq" * _PLACES)
"""When each place of a bucket was used."""
_BUCKET = _PLACES * _PLACE.size
NONCES_FILE = "nonces"
"""In the data folder."""
BUCKETS = 1 << 14
"""With eight places each: 131,072 nonces in 4 MB, 70 a second over half an hour."""


class Nonces:
    """Remembers what was sent under a nonce."""

    def __init__(self, path: Path | None = None, buckets: int = BUCKETS) -> None:
        """``path`` is the file that the processes share; None: this process remembers alone."""
        size = buckets * _BUCKET
        self._buckets = buckets
        self._memory = mapped(path, size)

    def first_use(self, nonce: str, body: bytes, now: int) -> bool:
        """Whether the nonce is new, or was used for this very body; it is remembered then."""
        key = hashlib.blake2b(nonce.encode(), digest_size=16).digest()
        content = hashlib.sha256(body).digest()[:_CONTENT]  # the quickest on a processor of today
        start = int.from_bytes(key[:4]) % self._buckets * _BUCKET
        bucket = self._memory[start : start + _BUCKET]
        # searched as a copy: a search in mapped memory looks one byte beyond its end, and behind
        # the last bucket there may be no memory at all (seen as a dead process, CPython 3.11)
        found = bucket.find(key)
        if found >= 0:
            return bucket[found + len(key) : found + len(key) + len(content)] == content
        times = _TIMES.unpack_from(self._memory, start)
        oldest = start + times.index(min(times)) * _PLACE.size
        _PLACE.pack_into(self._memory, oldest, key, content, now)
        return True
