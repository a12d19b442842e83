"""The door of the room: what institutions hand in and read again."""

from collections.abc import Mapping

from yibao.platform.commands.model import Handler
from yibao.platform.crypto import Vault
from yibao.registry.service import ReferenceCache


def handlers(references: ReferenceCache, vault: Vault) -> Mapping[type, Handler]:  # noqa: ARG001
    """The handler of each kind of request of this room."""
    return {}
