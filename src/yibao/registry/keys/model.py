"""What a key is, as it is asked for and as it is told."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from yibao.kernel.frozen import Frozen
from yibao.kernel.periods import Period
from yibao.registry.institutions.model import HeaderFamily, KeyKind


class KeyState(StrEnum):
    """State of a key at an instant."""

    FUTURE = "future"
    VALID = "valid"
    ENDED = "ended"


class NewKey(Frozen):
    """A key that is asked for."""

    family: HeaderFamily
    sender: str
    kind: KeyKind
    institutions: Sequence[tuple[str, Period]] = ()
    """Institutions that the sender may speak for from now on, beside those it may already."""
    dialect: str | None = None
    """None: as it was."""
    given: str | None = None
    """The secret, SM4 key (32 hex digits) or public key that was agreed; None: one is drawn."""


class MadeKey(Frozen):
    """A key just made; the one time that what is secret of it is shown."""

    id: str
    family: HeaderFamily
    sender: str
    kind: KeyKind
    secret: str | None
    """Secret, SM4 key or the sender's private key; None where the sender keeps it itself."""
    public_key: str | None
    valid_from: datetime


class KeyListing(Frozen):
    """A key as it may be shown to anyone in the bureau."""

    id: str
    family: HeaderFamily
    sender: str
    kind: KeyKind
    public_key: str | None
    valid_from: datetime
    valid_until: datetime | None
    dialect: str | None
    institutions: tuple[str, ...]

    def state(self, now: datetime) -> KeyState:
        """Whether the key counts at ``now``."""
        if now < self.valid_from:
            return KeyState.FUTURE
        ended = self.valid_until is not None and now >= self.valid_until
        return KeyState.ENDED if ended else KeyState.VALID
