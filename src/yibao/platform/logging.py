"""Structured logs: for people on a console or as JSON lines, never with what identifies a person.

Rooms log pseudonymous ids. Masking is the second net: values under telling names are replaced, and
whatever looks like an identity number, a phone number or a password in a URL is blotted out of
every text, messages of exceptions included.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

MASK = "***"
TELLING_NAMES = frozenset(
    {
        "name",
        "person_name",
        "psn_name",
        "certno",
        "document_number",
        "phone",
        "tel",
        "mdtrt_cert_no",
        "secret",
        "password",
        "token",
        "signature",
        "key",
        "vault_key",
        "authorization",
    }
)
_IDENTITY_NUMBER = re.compile(r"(?<![0-9A-Za-z])([0-9]{6})(?:19|20)[0-9]{9}[0-9Xx](?![0-9A-Za-z])")
_PHONE = re.compile(r"(?<![0-9A-Za-z])1[3-9][0-9]{9}(?![0-9A-Za-z])")
_URL_PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@/\s]+@")

Event = MutableMapping[str, Any]


def set_up_logging(level: str, form: str) -> None:
    """Log from ``level`` on to standard error; ``form`` is ``console`` or ``json``."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, mask, renderer],
        )
    )
    # libraries speak up only when something is wrong
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def mask(_logger: object, _method: str, event: Event) -> Event:
    """Replace what identifies a person or opens a door, at any depth."""
    return {name: _mask_value(name, value) for name, value in event.items()}


def mask_text(text: str) -> str:
    """Blot identity numbers (their division stays), phone numbers and passwords in URLs."""
    text = _IDENTITY_NUMBER.sub(rf"\g<1>{MASK}", text)
    text = _PHONE.sub(MASK, text)
    return _URL_PASSWORD.sub(rf"\g<1>{MASK}@", text)


def _mask_value(name: str, value: Any) -> Any:
    if name.lower() in TELLING_NAMES:
        return MASK
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, dict):
        return {key: _mask_value(str(key), part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_mask_value("", part) for part in value]
    if isinstance(value, int | float | bool | None):
        return value
    return mask_text(str(value))
