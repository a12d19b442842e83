"""A handler that runs each command of a batch by itself, as rare business does."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from yibao.kernel.refusals import Refused
from yibao.platform.commands.model import Command, Done, Handler, Outcome, Unit


def one_by_one(work: Callable[[Unit, Any], Awaitable[Done]]) -> Handler:
    """Runs ``work`` with the request of each command; what one refuses leaves nothing behind."""

    async def handle(unit: Unit, commands: Sequence[Command]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for command in commands:
            told = len(unit.outbox)
            try:
                async with unit.connection.transaction():  # a refusal undoes what came before it
                    outcomes.append(await work(unit, command.request))
            except Refused as refused:
                del unit.outbox[told:]
                outcomes.append(refused.refusal)
        return outcomes

    return handle
