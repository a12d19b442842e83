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
        "pool": "text",
        "institution": "text",
        "transaction": "text",
        "message_id": "text",
        "subject": "text",
        "digest": "bytea",
        "outcome": "text",
        "reference": "jsonb",
        "recorded_at": "timestamptz",
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
    rows = await connection.fetch(
        # a row at a time by its key: a join would read the whole pool while the table is young
        """SELECT found.*
           FROM unnest($2::text[], $3::text[], $4::text[])
                AS wanted (institution, transaction, message_id)
           CROSS JOIN LATERAL (
               SELECT institution, transaction, message_id, subject, digest, outcome, reference,
                      reversed_by, recorded_at
               FROM platform.message
               WHERE pool = $1 AND institution = wanted.institution
                 AND transaction = wanted.transaction AND message_id = wanted.message_id
               LIMIT 1
           ) AS found""",
        pool,
        [key.institution for key in keys],
        [key.transaction for key in keys],
        [key.message_id for key in keys],
    )
    messages = [Message(MessageKey(*row[:3]), *row[3:]) for row in rows]
    return {message.key: message for message in messages}


async def insert(
    connection: "Connection[Any]", pool: Pool, messages: Sequence[Message], now: datetime
) -> None:
    """Remember new messages; a key taken by another transaction is a unique violation."""
    await _MESSAGES.append(
        connection,
        [(pool, *m.key, m.subject, m.digest, m.outcome, m.reference, now) for m in messages],
    )


async def replace_refusal(
    connection: "Connection[Any]", pool: Pool, message: Message, now: datetime
) -> bool:
    """Remember the new outcome of a message that had been refused and was decided anew.

    False when somebody else has done it meanwhile.
    """
    status = await connection.execute(
        """UPDATE platform.message SET outcome = $5, reference = $6, recorded_at = $7
           WHERE pool = $1 AND institution = $2 AND transaction = $3 AND message_id = $4
             AND outcome = 'refused'""",
        pool,
        *message.key,
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
        """UPDATE platform.message SET reversed_by = $5
           WHERE pool = $1 AND institution = $2 AND transaction = $3 AND message_id = $4""",
        pool,
        *key,
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
