"""What the application hands to the console, and what the console asks of a sandbox's tools."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

import msgspec

from yibao.gateway.context import Context
from yibao.gateway.exchange import Exchange
from yibao.platform.journal import JournalReader


class PersonWish(msgspec.Struct, forbid_unknown_fields=True):
    """What kind of person is wanted; everything may be left to the sandbox."""

    age: int = 40
    """Whole years today."""
    gender: str = "1"
    """1 male, 2 female."""
    scheme: str = ""
    """``insutype`` 310 or 390; "": what fits the age."""
    person_type: str = ""
    """``psn_type``; "": what fits scheme and age."""
    special_identity: str = ""
    """``psn_idet_type``, such as 2303 (minimum living); "": none."""
    division: str = ""
    """Insured division (``insuplc_admdvs``); "": the sandbox's first pool."""
    balance: str = "5000.00"
    """Yuan in the personal account; employees alone have one."""
    extent: str = "full"
    """``full``, ``account_only`` or ``none``: what the person may use."""
    died_on: date | None = None
    document_number: str = ""
    """An identity number of one's own choice; "": an impossible one is made."""
    name: str = ""


class FaultWish(msgspec.Struct, forbid_unknown_fields=True):
    """What is to go wrong, with which messages, and how often."""

    kind: str
    """``delay``, ``refuse``, ``unknown`` (the outcome), ``lose_request`` or ``lose_reply``."""
    number: str = ""
    """Transaction; "": any."""
    institution: str = ""
    """"": any."""
    count: int = 1
    """How many messages it hits."""
    seconds: float = 5.0
    """Of a delay."""
    code: int = 9001
    """``infcode`` of a refusal: one of ``kernel.refusals``."""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that waits for messages."""

    id: int
    wish: FaultWish
    left: int
    """Messages that it will still hit."""


class Tools(Protocol):
    """What a sandbox can do for its developers; times are aware UTC."""

    async def accounts(self) -> Mapping[str, Any]:
        """Institutions with keys, persons and items, in the interface's names."""

    async def create_person(self, wish: PersonWish) -> Mapping[str, Any]:
        """A new insured person; answers the names and numbers to call with. Raises ToolRefused."""

    async def show_vouchers(self, document_number: str) -> Mapping[str, Any]:
        """A QR code's text and a card of the person with an identity card. Raises ToolRefused."""

    def now(self) -> datetime:
        """The sandbox's time."""

    def is_set(self) -> bool:
        """Whether the clock was set to another time than the machine's."""

    def set_clock(self, instant: datetime | None, *, running: bool = True) -> None:
        """Set the clock; None gives it the machine's time back. Raises ToolRefused."""

    def faults(self) -> Sequence[Fault]:
        """The faults that wait."""

    def inject(self, wish: FaultWish) -> Fault:
        """Let something go wrong. Raises ToolRefused."""

    def clear_faults(self, id: int | None = None) -> None:  # noqa: A002 - the fault's id
        """Take one fault away, or all."""

    async def reset(self) -> None:
        """Put the world back to what it was when it was filled. Raises ToolRefused."""


class ToolRefused(Exception):  # noqa: N818 - a fact, as other refusals
    """A tool was asked for what it cannot do; the text says what to change, to programs in English
    and on a page in the page's language."""

    def __init__(self, english: str, chinese: str = "") -> None:
        super().__init__(english)
        self.chinese = chinese
        """"" where the text comes from the platform, which speaks Chinese itself."""


Answerer = Callable[[Exchange], Awaitable[bytes]]
"""The gateway's own way to answer a message."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that the console's pages stand on."""

    context: Context
    answer: Answerer
    journal: JournalReader
    tools: Tools
    token: str
    """Stands in every form; a page of another origin cannot know it."""
    open_door: bool
