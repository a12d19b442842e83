"""Vouchers of an insured person as the other rooms see them."""

from datetime import datetime

from yibao.kernel.frozen import Frozen


class Holder(Frozen):
    """Whose voucher (就诊凭证) was shown."""

    identity: int
    valid: bool
    """False: known, but no longer good; a message that came before may name it again."""


class DecodeCode(Frozen):
    """Exchange a shown QR code for a token (电子凭证二维码解码, 1162)."""

    institution: str
    code: str
    """The QR code's text."""


class TokenFacts(Frozen):
    """A token that was issued to an institution."""

    token: str
    identity: int
    expires_at: datetime
