"""Vouchers of an insured person as the other rooms see them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose voucher (就诊凭证) was shown."""

    identity: int
    valid: bool
    """False: known, but no longer good; a message that came before may name it again."""


@dataclass(frozen=True, slots=True)
class DecodeCode:
    """Exchange a shown QR code for a token (电子凭证二维码解码, 1162)."""

    institution: str
    code: str
    """The QR code's text."""


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """A token that was issued to an institution."""

    token: str
    identity: int
    expires_at: datetime
