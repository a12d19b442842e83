"""JSON in and out without touching a number's digits: ``12.50`` stays ``12.50``."""

from typing import Any

import msgspec

_DECODER = msgspec.json.Decoder(float_hook=lambda text: msgspec.Raw(text.encode()))
_ENCODER = msgspec.json.Encoder()


def decode(text: str | bytes) -> Any:
    """A JSON document, fractions as raw digits. Raises ValueError."""
    try:
        return _DECODER.decode(text)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from None


def encode(document: Any) -> str:
    """The document as JSON, compact."""
    return _ENCODER.encode(document).decode()
