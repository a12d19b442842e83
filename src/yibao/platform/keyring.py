"""The vault's keys: where they come from, and how a new one takes over without anybody stopping.

Keys lie outside the database: in the environment, or in the file ``vault.key`` of the data folder,
newest first. A new key is first announced (every process opens and finds with it) and some seconds
later begins to seal, so that no process ever meets a value whose key it cannot have read yet.

The *label key* is derived from the installation's first key and stays when keys change: what it
makes (codes, tokens, the hashes of institutions' own numbers) says nothing about a person, and is
compared over years.
"""

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC

from yibao.platform.settings import Settings, SettingsFault

KEY_BYTES = 32
ID_BYTES = 4
KEY_FILE = "vault.key"
ANNOUNCED = timedelta(seconds=10)
"""From the announcement of a key until it seals; a process looks for new keys every second."""

_LABELS = "labels"
_BEGIN = datetime.min.replace(tzinfo=UTC)


def derived(key: bytes, purpose: bytes) -> bytes:
    """A key of 32 bytes for one purpose, from which neither the key nor another one follows."""
    made = HMAC(key, SM3())
    made.update(purpose)
    return made.finalize()


@dataclass(frozen=True, slots=True)
class VaultKey:
    """One master key."""

    secret: bytes = field(repr=False)
    since: datetime = _BEGIN
    """When it begins to seal; it opens and finds from the moment it is known."""

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise ValueError(f"a vault key has {KEY_BYTES} bytes, this one {len(self.secret)}")

    @property
    def id(self) -> bytes:
        """Four bytes that every value sealed with it begins with; nothing follows from them."""
        return derived(self.secret, b"yibao key id")[:ID_BYTES]


@dataclass(frozen=True, slots=True)
class KeyRing:
    """All keys that count, newest first, and the label key."""

    keys: tuple[VaultKey, ...]
    labels: bytes = field(repr=False)
    path: Path | None = None
    """The file they were read from, which may change; None: they came from the environment."""

    def sealing(self, now: datetime) -> VaultKey:
        """The key that seals at an instant: the newest that has begun."""
        return next((key for key in self.keys if key.since <= now), self.keys[-1])

    def find(self, id: bytes) -> VaultKey | None:  # noqa: A002 - it is one
        """The key with an id."""
        return next((key for key in self.keys if key.id == id), None)


def ring_of(keys: Sequence[bytes], labels: bytes | None = None) -> KeyRing:
    """A ring of keys, newest first; without ``labels`` the oldest key's are used."""
    return KeyRing(
        tuple(VaultKey(key) for key in keys),
        derived(keys[-1], b"yibao fingerprint") if labels is None else labels,
    )


def load_key(settings: Settings) -> KeyRing:
    """The keys: YIBAO_VAULT_KEY (64 hex digits) and older ones, else the data folder's key file.

    A sandbox makes the file (mode 0600) when there is none; elsewhere a missing key is a
    SettingsFault, because a key made silently would be lost with the folder it lies in.
    """
    if settings.vault_key is not None:
        keys = [_parse(settings.vault_key, "YIBAO_VAULT_KEY")]
        older = (settings.vault_keys_old or "").replace(",", " ").split()
        keys += [_parse(text, "YIBAO_VAULT_KEYS_OLD") for text in older]
        labels = settings.vault_labels
        return ring_of(keys, None if labels is None else _parse(labels, "YIBAO_VAULT_LABELS"))
    path = settings.data / KEY_FILE
    if not path.exists():
        if not settings.sandbox:
            raise SettingsFault(
                "YIBAO_VAULT_KEY",
                f"there is no key to seal personal data with: set YIBAO_VAULT_KEY or write {path} "
                f"(64 hex digits, for example from: openssl rand -hex {KEY_BYTES})",
            )
        _make_file(path, secrets.token_hex(KEY_BYTES) + "\n")
    return read_ring(path)


def read_ring(path: Path) -> KeyRing:
    """The keys of a key file. Raises SettingsFault for a line that is none."""
    keys: list[VaultKey] = []
    labels = None
    for line in path.read_text(encoding="ascii", errors="replace").splitlines() or [""]:
        words = line.split()
        if line.startswith("#"):
            continue
        if words[:1] == [_LABELS]:
            labels = _parse(" ".join(words[1:]), str(path))
            continue
        since = _BEGIN if len(words) < 2 else _instant(words[1], path)
        keys.append(VaultKey(_parse(" ".join(words[:1]), str(path)), since))
    if not keys:
        raise SettingsFault(str(path), f"{path} holds no key")
    ring = ring_of([key.secret for key in keys], labels)
    return replace(ring, keys=tuple(keys), path=path)


def announce(ring: KeyRing, now: datetime) -> KeyRing:
    """Draw a new key into the ring's file; it seals after ``ANNOUNCED``. Raises SettingsFault."""
    return _written(ring, (VaultKey(secrets.token_bytes(KEY_BYTES), now + ANNOUNCED), *ring.keys))


def dropped(ring: KeyRing, id: bytes) -> KeyRing:  # noqa: A002 - it is one
    """Take a key out of the ring's file for good. Raises SettingsFault."""
    return _written(ring, tuple(key for key in ring.keys if key.id != id))


# ----------------------------------------------------------------------------------------- private


def _written(ring: KeyRing, keys: tuple[VaultKey, ...]) -> KeyRing:
    if ring.path is None:
        raise SettingsFault(
            "YIBAO_VAULT_KEY",
            "the keys come from the environment, which this command cannot change: give the new"
            " key to every server in YIBAO_VAULT_KEYS_OLD first, then exchange it with"
            " YIBAO_VAULT_KEY (docs/operating/security.md)",
        )
    lines = [
        key.secret.hex() + ("" if key.since == _BEGIN else f" {key.since.isoformat()}")
        for key in keys
    ]
    _replace_file(ring.path, "\n".join([*lines, f"{_LABELS} {ring.labels.hex()}"]) + "\n")
    return replace(ring, keys=keys)


def _make_file(path: Path, text: str) -> None:
    """Written aside and linked, so that of two processes one wins and no half key is ever read."""
    aside = _written_aside(path, text)
    try:
        path.hardlink_to(aside)
    except FileExistsError:
        return
    finally:
        aside.unlink()


def _replace_file(path: Path, text: str) -> None:
    """Written aside and renamed: a reader finds the old keys or the new ones, whole."""
    _written_aside(path, text).replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _written_aside(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return aside


def _instant(text: str, path: Path) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise SettingsFault(str(path), f"{path}: {text} is no instant with its zone")
    return instant


def _parse(text: str, place: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise SettingsFault(place, f"the vault key in {place} must be {2 * KEY_BYTES} hex digits")
    return key
