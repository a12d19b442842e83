"""What an application may hang into the interface; a plain platform has none of these.

The sandbox hands in objects that record, let strangers in, or break things on purpose. The
interface itself never asks whether it is in a sandbox.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from yibao.gateway.dialects.model import Dialect
from yibao.gateway.envelope import Envelope
from yibao.gateway.exchange import Exchange
from yibao.gateway.reading import Input
from yibao.kernel.areas import Pool

Record = Callable[[Exchange], None]
"""Told of every exchange when its answer is ready; must return at once."""


class Welcome(Protocol):
    """Lets strangers in: creates institutions and people on first sight (the open door)."""

    def dialect(self, dialect: Dialect) -> Dialect:
        """How a province's messages are read while strangers are let in."""

    async def institution(self, envelope: Envelope) -> None:
        """Make the envelope's institution known, if it is not."""

    async def people(self, envelope: Envelope, number: str, read: Input) -> Mapping[str, Pool]:
        """Make the people known whom the input names or whose voucher it shows.

        Answers the pools of person numbers that do not begin with one.
        """


class Faults(Protocol):
    """Breaks exchanges on purpose, so that a hospital can try its recovery."""

    async def before(self, exchange: Exchange) -> None:
        """Delay the message, or refuse it."""

    def reply_is_lost(self, exchange: Exchange) -> bool:
        """Whether the connection is cut instead of answering; what was done stays done."""
