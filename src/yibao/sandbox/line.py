"""The hospital's line to the platform: it measures, and now and then it loses something.

A lost request and a lost reply look the same from the hospital: nobody knows what happened.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from yibao.client import Answer, CallOutcome, Care, Client, Resolution, Send, follow, made_sure
from yibao.client.recovery import REVERSAL


@dataclass(frozen=True, slots=True)
class Troubles:
    """How often things go wrong, as shares of messages that change something."""

    lost_request: float = 0.01
    """The message never reaches the platform."""
    lost_reply: float = 0.02
    """The platform did it, the hospital never hears of it."""
    repeated: float = 0.03
    """The message is sent once more though its answer came."""


NO_TROUBLES = Troubles(0, 0, 0)


@dataclass(slots=True)
class Tally:
    """What went over the line."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    """Response times by transaction."""
    lost_requests: int = 0
    lost_replies: int = 0
    repeated: int = 0

    @property
    def calls(self) -> int:
        """How many messages were answered."""
        return sum(map(len, self.seconds.values()))

    def add(self, other: "Tally") -> None:
        """Take over another line's counts."""
        for infno, seconds in other.seconds.items():
            self.seconds.setdefault(infno, []).extend(seconds)
        self.lost_requests += other.lost_requests
        self.lost_replies += other.lost_replies
        self.repeated += other.repeated


class Line:
    """Calls through a client, with the troubles of a real line."""

    def __init__(self, client: Client, random: Random, troubles: Troubles) -> None:
        self.client = client
        self.tally = Tally()
        self._random = random
        self._troubles = troubles

    async def ask(
        self,
        infno: str,
        content: Mapping[str, Any],
        insured_division: str | None,
        message_id: str | None = None,
    ) -> Answer:
        """Send one message without troubles."""
        started = time.perf_counter()
        answer = await self.client.call(
            infno, content, message_id=message_id, insured_division=insured_division
        )
        self.tally.seconds.setdefault(infno, []).append(time.perf_counter() - started)
        return answer

    async def send(
        self, infno: str, content: Mapping[str, Any], insured_division: str, message_id: str
    ) -> Answer:
        """Send a message that changes something; troubles may leave its outcome unknown."""
        luck = self._random.random()
        if luck < self._troubles.lost_request:
            self.tally.lost_requests += 1
            return Answer(
                CallOutcome.UNKNOWN, infno, message_id, None, "simulated: request lost", {}
            )
        answer = await self.ask(infno, content, insured_division, message_id)
        if luck < self._troubles.lost_request + self._troubles.lost_reply:
            self.tally.lost_replies += 1
            return Answer(CallOutcome.UNKNOWN, infno, message_id, None, "simulated: reply lost", {})
        return answer

    async def make_sure(
        self, infno: str, content: Mapping[str, Any], insured_division: str, care: Care
    ) -> Resolution:
        """Send a message that changes something until its outcome is known, or it is undone.

        Troubles meet the message and its reversal when they are first sent.
        """
        exposed = {infno, REVERSAL}

        async def send(step: Send) -> Answer:
            message_id = step.message_id or self.client.new_message_id()
            if step.infno not in exposed:
                return await self.ask(step.infno, step.content, insured_division, message_id)
            exposed.remove(step.infno)
            return await self.send(step.infno, step.content, insured_division, message_id)

        message = Send(infno, content, self.client.new_message_id())
        return await follow(made_sure(message, care), send)

    def wants_repetition(self) -> bool:
        """Whether this message shall be sent once more."""
        if self._random.random() >= self._troubles.repeated:
            return False
        self.tally.repeated += 1
        return True
