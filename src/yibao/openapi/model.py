"""What the REST interface stands on in one worker process, and who calls it."""

from dataclasses import dataclass
from typing import Any

from litestar import Request
from litestar.di import NamedDependency

from yibao.bureau.model import Office
from yibao.platform.clock import Clock
from yibao.platform.commands.service import Commands
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.registry.service import ReferenceCache


@dataclass(frozen=True, slots=True)
class House:
    """The rooms that REST answers from."""

    clock: Clock
    database: Database
    commands: Commands
    office: Office

    @property
    def vault(self) -> Vault:
        """What personal data are sealed with."""
        return self.office.vault

    @property
    def references(self) -> ReferenceCache:
        """Directory and catalogue."""
        return self.office.references


@dataclass(frozen=True, slots=True)
class Person:
    """The human for whom an app speaks."""

    identity: int
    app: str
    key: str
    """Id of the app's key: the session ends with it."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A clerk who has signed in (经办人员)."""

    code: str
    mark: str
    """Of the personal key: the session ends with it."""


Asked = Request[Any, Any, Any]
AtHouse = NamedDependency[House]
"""How a handler is given the house."""
