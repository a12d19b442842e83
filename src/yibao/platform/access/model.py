"""Who looks, and whom somebody looked at."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from yibao.kernel.areas import NO_PERSON_POOL, Pool


class ViewerKind(StrEnum):
    """As what somebody looks."""

    INSTITUTION = "institution"
    CLERK = "clerk"
    PERSON = "person"
    """An insured person, at the own or a relative's account."""
    APP = "app"
    """An app that opens a session for somebody, by a document it has checked."""
    CONSOLE = "console"
    """Whoever has the sandbox's console open."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks, on whose behalf, and by what."""

    kind: ViewerKind
    who: str
    """Institution, clerk, or pseudonym of the person."""
    purpose: str
    """Transaction, route or command."""
    operator: str = ""
    """On whose behalf, as the sender says (``opter``)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One person that was seen, or was asked for in vain."""

    identity: int | None = None
    """Pseudonym of the human; None: nobody was found, or only the member's number is known."""
    member: str | None = None
    pool: Pool = NO_PERSON_POOL
    found: bool = True


@dataclass(frozen=True, slots=True)
class Sighting:
    """A row of the access record (查阅记录)."""

    pool: Pool
    writer: int
    number: int
    block: int
    seen_at: datetime
    viewer: Viewer
    identity: int | None
    member: str | None
    found: bool
