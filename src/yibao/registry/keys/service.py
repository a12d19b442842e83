"""What a bureau does with keys: create, rotate, revoke, list. Secrets lie in the vault's seal only.

Writing services run inside the caller's transaction and bump the directory's version, so every
server sees the change with its commit, at the latest ``Context.reference_age`` later.
"""

import dataclasses
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform import crypto_sm
from yibao.platform.crypto import Vault
from yibao.registry import store as versions
from yibao.registry.institutions.model import HeaderFamily, KeyKind
from yibao.registry.institutions.service import keep_sender, load_directory, permit
from yibao.registry.keys import store
from yibao.registry.keys.model import KeyListing, MadeKey, NewKey
from yibao.registry.keys.opening import new_id

if TYPE_CHECKING:
    from asyncpg import Connection

_SM4_DIGITS = 32


async def create(
    connection: "Connection[Any]", vault: Vault, wanted: NewKey, *, now: datetime
) -> MadeKey:
    """Make a key beside those that the sender has; the sender is made on the way if it is new.

    Refused when a given key is unreadable. What is secret is told here and never again.
    """
    await versions.bump(connection, versions.INSTITUTIONS)
    await keep_sender(connection, wanted.family, wanted.sender, wanted.dialect, now=now)
    for institution, period in wanted.institutions:
        await permit(connection, wanted.family, wanted.sender, institution, period, now=now)
    return await _make(connection, vault, wanted, now)


async def rotate(
    connection: "Connection[Any]", vault: Vault, identifier: str, overlap: timedelta, now: datetime
) -> MadeKey:
    """Make a key of the same kind; the old one goes on for ``overlap``, then it counts no more."""
    await versions.bump(connection, versions.INSTITUTIONS)
    old = await _found(connection, identifier)
    await store.supersede(connection, identifier, now)
    end = now + overlap
    if end > old.valid_from and overlap > timedelta(0):
        ending = end if old.valid_until is None else min(end, old.valid_until)
        await store.insert(connection, dataclasses.replace(old, valid_until=ending), now)
    return await _make(
        connection, vault, NewKey(HeaderFamily(old.family), old.sender, KeyKind(old.kind)), now
    )


async def revoke(connection: "Connection[Any]", identifier: str, now: datetime) -> None:
    """A key counts no more; refused when there is no such key."""
    await versions.bump(connection, versions.INSTITUTIONS)
    await _found(connection, identifier)
    await store.supersede(connection, identifier, now)


async def listed(connection: "Connection[Any]", vault: Vault) -> list[KeyListing]:
    """All keys that were not revoked, newest first, without anything secret."""
    directory = await load_directory(connection, vault)
    listings = []
    for row in await store.current(connection):
        family = HeaderFamily(row.family)
        sender = directory.sender(family, row.sender)
        spoken_for = () if sender is None else sender.institutions
        listings.append(
            KeyListing(
                id=row.id,
                family=family,
                sender=row.sender,
                kind=KeyKind(row.kind),
                public_key=row.public_key,
                valid_from=row.valid_from,
                valid_until=row.valid_until,
                dialect=None if sender is None else sender.dialect,
                institutions=tuple(sorted({code for code, _ in spoken_for})),
            )
        )
    return listings


# ----------------------------------------------------------------------------------------- private


async def _found(connection: "Connection[Any]", identifier: str) -> store.KeyRow:
    row = await store.find(connection, identifier)
    if row is None:
        raise Refused(RefusalCode.FIELD_INVALID, f"密钥 {identifier} 不存在或已撤销", "key")
    return row


async def _make(
    connection: "Connection[Any]", vault: Vault, wanted: NewKey, now: datetime
) -> MadeKey:
    kept, shown, public = _material(wanted)
    row = store.KeyRow(
        id=new_id(),
        family=wanted.family.value,
        sender=wanted.sender,
        kind=wanted.kind.value,
        sealed=None if kept is None else vault.seal(kept),
        public_key=public,
        valid_from=now,
        valid_until=None,
    )
    await store.insert(connection, row, now)
    return MadeKey(row.id, wanted.family, wanted.sender, wanted.kind, shown, public, now)


def _material(wanted: NewKey) -> tuple[str | None, str | None, str | None]:
    """What is kept sealed, what is shown this once, and the public key.

    Of the sender's own pair the private half is shown and not kept: we only verify with it.
    """
    if wanted.kind is KeyKind.SM2:
        if wanted.given is not None:
            return None, None, _point(wanted.given)
        private, public = crypto_sm.new_key_pair()
        return None, private, public
    if wanted.kind is KeyKind.PLATFORM:
        private, public = crypto_sm.new_key_pair()
        return private, None, public
    drawn = wanted.given or secrets.token_hex(16)
    if wanted.kind is KeyKind.SM4:
        _check_sm4(drawn)
    return drawn, drawn, None


def _point(text: str) -> str:
    try:
        return f"04{crypto_sm.read_public_key(text).hex()}"
    except crypto_sm.Unreadable as reason:
        raise Refused(RefusalCode.FIELD_INVALID, f"SM2公钥无法识别：{reason}", "key") from None


def _check_sm4(text: str) -> None:
    try:
        usable = len(text) == _SM4_DIGITS and len(bytes.fromhex(text)) == crypto_sm.BLOCK_BYTES
    except ValueError:
        usable = False
    if not usable:
        raise Refused(RefusalCode.FIELD_INVALID, "SM4密钥应为32位十六进制数", "key")
