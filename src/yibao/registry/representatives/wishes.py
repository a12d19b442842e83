"""What the represented, or who represents them, asks for by an app, as commands."""

from collections.abc import Mapping
from dataclasses import dataclass

from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.model import Done, Handler, Unit
from yibao.platform.commands.one_by_one import one_by_one
from yibao.registry.representatives import service
from yibao.registry.representatives.model import NewRepresentation


@dataclass(frozen=True, slots=True)
class NameRepresentative:
    """Let somebody act for another (建立亲情账户); answers a Representation."""

    representation: NewRepresentation


@dataclass(frozen=True, slots=True)
class EndRepresentation:
    """Let somebody act no more (解除亲情账户); answers a Representation."""

    number: int
    by: int
    """The human who asks: the represented, or the representative."""
    reason: str


def handlers() -> Mapping[type, Handler]:
    """The handler of each kind of wish."""

    async def run(unit: Unit, wish: NameRepresentative | EndRepresentation) -> Done:
        if isinstance(wish, NameRepresentative):
            made = await service.name(unit.connection, wish.representation, now=unit.now)
            return Done(made, {"representation": made.number})
        known = [
            *await service.of_represented(unit.connection, wish.by),
            *await service.of_representative(unit.connection, wish.by),
        ]
        if all(one.number != wish.number for one in known):
            raise Refused(RefusalCode.LINK_UNKNOWN, f"没有编号为 {wish.number} 的代理关系", "link")
        told = {"reason": wish.reason, "at": unit.now.isoformat(), "by": wish.by}
        ended = await service.end(unit.connection, wish.number, unit.day, told, unit.now)
        return Done(ended, {"representation": ended.number})

    return dict.fromkeys((NameRepresentative, EndRepresentation), one_by_one(run))
