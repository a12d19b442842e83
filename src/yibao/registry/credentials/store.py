"""SQL of cards, codes and tokens; all are found by keyed hashes."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.periods import Period

if TYPE_CHECKING:
    from asyncpg import Connection, Record


async def insert_cards(
    connection: "Connection[Any]",
    rows: Sequence[tuple[int, bytes, bytes, bytes, Period]],
    now: datetime,
) -> None:
    """Record cards: (identity, number's hash, serial's hash, both sealed, period)."""
    await connection.copy_records_to_table(
        "card",
        schema_name="registry",
        columns=(
            *("identity", "number_key", "serial_key", "sealed"),
            *("valid_from", "valid_until", "recorded_at"),
        ),
        records=[
            (who, key, serial, sealed, held.start, held.end, now)
            for who, key, serial, sealed, held in rows
        ],
    )


async def replace_serial(
    connection: "Connection[Any]",
    possible: Sequence[bytes],
    made: tuple[bytes, bytes, bytes],
    now: datetime,
) -> bool:
    """Record the same card with another serial; False when the card is unknown.

    ``possible`` are the hashes that its number may have, ``made`` number's and serial's hash and
    both sealed, as the new row has them.
    """
    old = await connection.fetchrow(
        """UPDATE registry.card SET superseded_at = $2
           WHERE number_key = ANY($1) AND superseded_at IS NULL
           RETURNING identity, valid_from, valid_until""",
        possible,
        now,
    )
    if old is None:
        return False
    held = Period(old["valid_from"], old["valid_until"])
    await insert_cards(connection, [(old["identity"], *made, held)], now)
    return True


async def card(
    connection: "Connection[Any]", number_keys: Sequence[bytes], day: date
) -> "Record | None":
    """(identity, serial_key, valid on the day) of a card, by the hashes its number may have."""
    return await connection.fetchrow(
        """SELECT identity, serial_key,
                  valid_from <= $2 AND (valid_until IS NULL OR valid_until > $2) AS valid
           FROM registry.card WHERE number_key = ANY($1) AND superseded_at IS NULL""",
        number_keys,
        day,
    )


async def insert_code(
    connection: "Connection[Any]", code_key: bytes, identity: int, now: datetime, expires: datetime
) -> None:
    """Record that a code is shown."""
    await connection.execute(
        """INSERT INTO registry.credential_code (code_key, identity, shown_at, expires_at)
           VALUES ($1, $2, $3, $4)""",
        code_key,
        identity,
        now,
        expires,
    )


async def code(connection: "Connection[Any]", code_key: bytes) -> "Record | None":
    """(identity, expires_at, whether it was exchanged already) of a code."""
    return await connection.fetchrow(
        """SELECT identity, expires_at,
                  EXISTS (SELECT FROM registry.credential_token AS token
                          WHERE token.code_key = shown.code_key) AS used
           FROM registry.credential_code AS shown WHERE code_key = $1""",
        code_key,
    )


async def insert_token(
    connection: "Connection[Any]",
    token_key: bytes,
    code_key: bytes,
    institution: str,
    now: datetime,
    expires: datetime,
) -> bool:
    """Record a token; False when another call was faster with the same code."""
    status = await connection.execute(
        """INSERT INTO registry.credential_token
               (token_key, code_key, institution, issued_at, expires_at)
           VALUES ($1, $2, $3, $4, $5) ON CONFLICT (code_key) DO NOTHING""",
        token_key,
        code_key,
        institution,
        now,
        expires,
    )
    return bool(status == "INSERT 0 1")


async def token(
    connection: "Connection[Any]", token_key: bytes, institution: str
) -> "Record | None":
    """(identity, expires_at) of a token that was issued to an institution."""
    return await connection.fetchrow(
        """SELECT identity, expires_at FROM registry.visible_token
           WHERE token_key = $1 AND institution = $2""",
        token_key,
        institution,
    )


async def remove_expired(connection: "Connection[Any]", before: datetime) -> int:
    """Delete tokens, and codes without a token, that expired earlier; only the owner may."""
    tokens = await connection.execute(
        "DELETE FROM registry.credential_token WHERE expires_at <= $1", before
    )
    codes = await connection.execute(
        """DELETE FROM registry.credential_code AS shown
           WHERE expires_at <= $1 AND NOT EXISTS (
               SELECT FROM registry.credential_token AS token
               WHERE token.code_key = shown.code_key)""",
        before,
    )
    return sum(int(status.rsplit(" ", 1)[1]) for status in (tokens, codes))
