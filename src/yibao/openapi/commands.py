"""State changes over REST: once, ever, by the caller's ``Idempotency-Key``."""

import hashlib
from typing import Annotated, Any

import msgspec
from litestar.params import HeaderParameter

from yibao.kernel.areas import Pool
from yibao.kernel.refusals import Refusal, Refused
from yibao.openapi.model import House
from yibao.platform.commands.model import Command, Done, MessageKey

IdempotencyKey = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=8,
        max_length=64,
        description="The caller's own id of this wish: sent again, it gets the first answer.",
    ),
]


async def submit(
    house: House, app: str, operation: str, key: str, pool: Pool, subject: str, request: Any
) -> Done:
    """Run a request of a room under (app, operation, key); Refused when it is refused.

    The same key with other content is refused, as a message of the interface is.
    """
    content = msgspec.json.encode(request, enc_hook=str, order="sorted")
    command = Command(
        pool,
        subject,
        MessageKey(f"app:{app}", operation, key),
        hashlib.sha256(content).digest(),
        request,
    )
    outcome = await house.commands.submit(command)
    if isinstance(outcome, Refusal):
        raise Refused.of(outcome)
    return outcome
