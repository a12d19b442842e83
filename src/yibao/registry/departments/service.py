"""The door of the room: departments and staff of institutions."""

from collections.abc import Mapping

from yibao.platform.commands.model import Handler
from yibao.platform.crypto import Vault


def handlers(vault: Vault) -> Mapping[type, Handler]:  # noqa: ARG001
    """The handler of each kind of request of this room."""
    return {}
