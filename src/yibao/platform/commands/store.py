"""SQL of messages, outbox and cursors."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.platform.appending import Appending
from yibao.platform.commands.model import Message, MessageKey

if TYPE_CHECKING:
    from asyncpg import Connection


_MESSAGES = Appending(
    "platform",
    "message",
    {
        "recorded_at": "timestamptz",
        "key": "uuid",
        "pool": "text",
        "transaction": "text",
        "subject": "text",
        "outcome": "text",
        "digest": "bytea",
        "reference": "jsonb",
    },
)
_OUTBOX = Appending(
    "platform",
    "outbox",
    {
        "pool": "text",
        "id": "bigint",
        "kind": "text",
        "payload": "jsonb",
        "recorded_at": "timestamptz",
    },
)


async def find(
    connection: "Connection[Any]", pool: Pool, keys: Sequence[MessageKey]
) -> dict[MessageKey, Message]:
    """The remembered messages among ``keys``."""
    wanted = {key.place(): key for key in keys}
    rows = await connection.fetch(
        # a list, not a join, which would read the whole pool while the table is young
        """SELECT key, subject, digest, outcome, reference - 'reversed_by' AS reference,
                  reference ->> 'reversed_by' AS reversed_by, recorded_at
           FROM platform.message
           WHERE pool = $1 AND key = ANY ($2::uuid[])""",
        pool,
        list(wanted),
    )
    messages = [Message(wanted[str(row[0])], *row[1:]) for row in rows]
    return {message.key: message for message in messages}


async def insert(
    connection: "Connection[Any]", pool: Pool, messages: Sequence[Message], now: datetime
) -> None:
    """Remember new messages; a key taken by another transaction is a unique violation."""
    await _MESSAGES.append(
        connection,
        [
            (
                *(now, m.key.place(), pool, m.key.transaction, m.subject),
                *(m.outcome, m.digest, m.reference),
            )
            for m in messages
        ],
    )


async def replace_refusal(
    connection: "Connection[Any]", pool: Pool, message: Message, now: datetime
) -> bool:
    """Remember the new outcome of a message that had been refused and was decided anew.

    False when somebody else has done it meanwhile.
    """
    status = await connection.execute(
        """UPDATE platform.message SET outcome = $3, reference = $4, recorded_at = $5
           WHERE pool = $1 AND key = $2 AND outcome = 'refused'
             AND reference ->> 'reversed_by' IS NULL""",
        pool,
        message.key.place(),
        message.outcome,
        message.reference,
        now,
    )
    return str(status).endswith(" 1")


async def mark_reversed(
    connection: "Connection[Any]", pool: Pool, key: MessageKey, reversed_by: str
) -> None:
    """Note which reversal undid a message; a late repeat of it is then refused."""
    await connection.execute(
        """UPDATE platform.message
           SET reference = reference || jsonb_build_object('reversed_by', $3::text)
           WHERE pool = $1 AND key = $2""",
        pool,
        key.place(),
        reversed_by,
    )


async def publish(
    connection: "Connection[Any]",
    pool: Pool,
    facts: Sequence[tuple[int, str, Any]],
    now: datetime,
) -> None:
    """Write facts (number, kind, payload) to the outbox."""
    await _OUTBOX.append(
        connection, [(pool, number, kind, payload, now) for number, kind, payload in facts]
    )
