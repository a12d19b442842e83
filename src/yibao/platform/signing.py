"""An SM2 key of the installation's own, for what others must be able to check years later.

It derives from the vault's label key, which stays when the vault's keys change: what was signed
before a change is checked by the same public key after it.
"""

from dataclasses import dataclass, field

from yibao.platform import crypto_sm
from yibao.platform.crypto import Vault
from yibao.platform.keyring import derived

_P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
"""Field, order and base point of the curve sm2p256v1 (GM/T 0003.5)."""

Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Signer:
    """A key pair that signs for one purpose."""

    public: bytes
    """The point, 64 bytes."""
    _private: str = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """The signature ``r‖s`` (64 bytes)."""
        return crypto_sm.sm2_sign(self._private, self.public, message)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether the signature is this key's."""
        return verify(self.public, message, signature)


def signer_for(vault: Vault, purpose: bytes) -> Signer:
    """The installation's key for a purpose: the same one as long as it has its label key."""
    private = 1 + int.from_bytes(derived(vault.ring.labels, purpose)) % (_N - 2)
    x, y = _times(private, _G)
    return Signer(x.to_bytes(32) + y.to_bytes(32), f"{private:064x}")


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature is the key holder's."""
    return crypto_sm.sm2_verify(public, message, signature)


def _times(factor: int, point: Point) -> Point:
    """The point taken ``factor`` times; a few milliseconds, once in a process's life."""
    total: Point | None = None
    while factor:
        if factor & 1:
            total = point if total is None else _plus(total, point)
        point = _plus(point, point)
        factor >>= 1
    assert total is not None, "a private key is not zero"
    return total


def _plus(one: Point, other: Point) -> Point:
    (x1, y1), (x2, y2) = one, other
    if one == other:
        slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, _P) % _P  # the curve's a is −3
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, _P) % _P
    x = (slope * slope - x1 - x2) % _P
    return x, (slope * (x1 - x) - y1) % _P
