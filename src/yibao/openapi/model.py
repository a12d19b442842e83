"""What the REST interface stands on in one worker process, and who calls it."""

from dataclasses import dataclass
from typing import Any

from litestar import Request
from litestar.di import NamedDependency

from yibao.platform.clock import Clock
from yibao.platform.commands.service import Commands
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.registry.service import ReferenceCache
from yibao.settlement.service import SettlementRoom


@dataclass(frozen=True, slots=True)
class House:
    """The rooms that REST answers from."""

    clock: Clock
    database: Database
    commands: Commands
    references: ReferenceCache
    room: SettlementRoom
    vault: Vault


@dataclass(frozen=True, slots=True)
class Person:
    """The human for whom an app speaks, by an open session."""

    identity: int
    app: str


Asked = Request[Any, Any, Any]
AtHouse = NamedDependency[House]
"""How a handler is given the house."""
