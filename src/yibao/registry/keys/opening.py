"""From kept rows to keys that the door can use."""

import secrets
from collections.abc import Iterable

from yibao.platform.crypto import Vault
from yibao.registry.institutions.model import KeyKind, SenderKey
from yibao.registry.keys.store import KeyRow


def new_id() -> str:
    """A key's public name."""
    return f"k{secrets.token_hex(5)}"


def opened_keys(rows: Iterable[KeyRow], vault: Vault) -> dict[tuple[str, str], list[SenderKey]]:
    """The keys of each (family, sender), newest first, their secrets opened."""
    found: dict[tuple[str, str], list[SenderKey]] = {}
    for row in rows:
        key = SenderKey(
            id=row.id,
            kind=KeyKind(row.kind),
            secret="" if row.sealed is None else vault.open(row.sealed),
            public=row.public_key or "",
            valid_from=row.valid_from,
            valid_until=row.valid_until,
        )
        found.setdefault((row.family, row.sender), []).append(key)
    return found
