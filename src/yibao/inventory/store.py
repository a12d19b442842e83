"""SQL of goods."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.inventory.model import (
    CodeState,
    CodeStep,
    CodeTurn,
    LivingMovement,
    Movement,
    MovementKind,
)
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Quantity
from yibao.platform.appending import Appending

if TYPE_CHECKING:
    from asyncpg import Connection

_MOVEMENTS = Appending(
    "inventory",
    "movement",
    {
        "pool": "text",
        "id": "bigint",
        "institution": "text",
        "kind": "text",
        "serial": "text",
        "item": "text",
        "institution_item": "text",
        "quantity": "bigint",
        "split": "boolean",
        "day": "date",
        "moved_at": "timestamptz",
        "recorded_at": "timestamptz",
        "details": "jsonb",
        "sealed": "bytea",
    },
)
_CODES = Appending(
    "inventory", "movement_code", {"pool": "text", "movement": "bigint", "code": "text"}
)
_TURNS = Appending(
    "inventory",
    "code_turn",
    {
        "pool": "text",
        "code": "text",
        "turn": "integer",
        "state": "text",
        "institution": "text",
        "movement": "bigint",
        "serial": "text",
        "recorded_at": "timestamptz",
    },
)
_DELETIONS = Appending(
    "inventory", "deletion", {"pool": "text", "movement": "bigint", "deleted_at": "timestamptz"}
)

_OF_A_BILL = "movement.kind = 'sale' AND movement.quantity = 0"
"""A box told with a bill: its stock is moved by records of goods alone, which never have 0."""

_BILL = f"""CASE WHEN {_OF_A_BILL} THEN movement.details ->> 'setl_id' END AS bill,
                  CASE WHEN NOT ({_OF_A_BILL}) THEN movement.details ->> 'setl_id' END AS named"""

Recorded = tuple[PoolKey, str, Movement, bytes | None]
"""Key, institution, record, its people sealed."""


async def insert(
    connection: "Connection[Any]", recorded: Sequence[Recorded], now: datetime
) -> None:
    """Write records with their traceability codes."""
    await _MOVEMENTS.append(
        connection,
        [
            (
                *key,
                institution,
                movement.kind.value,
                movement.serial,
                movement.item,
                movement.institution_item,
                movement.quantity,
                movement.split,
                movement.day,
                movement.moved_at,
                now,
                dict(movement.details),
                sealed,
            )
            for key, institution, movement, sealed in recorded
        ],
    )
    await _CODES.append(
        connection, [(*key, code) for key, _, movement, _ in recorded for code in movement.codes]
    )


async def insert_turns(
    connection: "Connection[Any]", pool: Pool, turns: Sequence[CodeTurn]
) -> None:
    """Write what codes came to; a taken turn is a unique violation: somebody was faster."""
    await _TURNS.append(
        connection,
        [
            (
                pool,
                turn.code,
                turn.turn,
                turn.state.value,
                turn.institution,
                turn.movement,
                turn.serial,
                turn.recorded_at,
            )
            for turn in turns
        ],
    )


async def last_turns(
    connection: "Connection[Any]", pool: Pool, codes: Iterable[str]
) -> dict[str, CodeTurn]:
    """The latest turn of each code that has one."""
    rows = await connection.fetch(
        f"""SELECT DISTINCT ON (turn.code) turn.code, turn.turn, turn.state, turn.institution,
                  turn.movement, turn.serial, turn.recorded_at, {_BILL}
           FROM inventory.code_turn AS turn
           LEFT JOIN inventory.movement AS movement
             ON movement.pool = turn.pool AND movement.id = turn.movement
           WHERE turn.pool = $1 AND turn.code = ANY ($2::text[])
           ORDER BY turn.code, turn.turn DESC""",  # noqa: S608 - our own text
        pool,
        sorted(set(codes)),
    )
    return {
        row["code"]: CodeTurn(
            row["code"],
            row["turn"],
            CodeState(row["state"]),
            row["institution"],
            row["movement"],
            row["serial"],
            row["recorded_at"],
            row["bill"],
            row["named"],
        )
        for row in rows
    }


async def living(
    connection: "Connection[Any]",
    pool: Pool,
    institution: str,
    serial: str,
    kinds: Sequence[MovementKind],
) -> list[LivingMovement]:
    """An institution's records with a serial number that were not deleted, oldest first."""
    rows = await connection.fetch(
        """SELECT movement.id, movement.kind,
                  ARRAY(SELECT code FROM inventory.movement_code AS listed
                        WHERE listed.pool = movement.pool AND listed.movement = movement.id
                        ORDER BY code) AS codes
           FROM inventory.visible_movement AS movement
           WHERE movement.pool = $1 AND movement.institution = $2 AND movement.serial = $3
             AND movement.kind = ANY ($4::text[])
             AND NOT (movement.kind = 'sale' AND movement.quantity = 0)
           ORDER BY movement.id""",
        pool,
        institution,
        serial,
        [kind.value for kind in kinds],
    )
    return [
        LivingMovement(PoolKey(pool, row["id"]), MovementKind(row["kind"]), tuple(row["codes"]))
        for row in rows
    ]


async def living_steps(
    connection: "Connection[Any]", pool: Pool, codes: Iterable[str]
) -> dict[str, list[CodeStep]]:
    """All institutions' records of codes that were not deleted, oldest first."""
    steps: dict[str, list[CodeStep]] = {}
    for row in await connection.fetch(
        f"""SELECT listed.code, movement.id, movement.kind, movement.institution, movement.serial,
                  movement.split, {_BILL}
           FROM inventory.movement_code AS listed
           JOIN inventory.visible_movement AS movement
             ON movement.pool = listed.pool AND movement.id = listed.movement
           WHERE listed.pool = $1 AND listed.code = ANY ($2::text[])
           ORDER BY listed.code, movement.id""",  # noqa: S608 - our own text
        pool,
        sorted(set(codes)),
    ):
        steps.setdefault(row["code"], []).append(
            CodeStep(
                row["id"],
                MovementKind(row["kind"]),
                row["institution"],
                row["serial"],
                row["split"],
                row["bill"],
                row["named"],
            )
        )
    return steps


async def delete(connection: "Connection[Any]", keys: Sequence[PoolKey], now: datetime) -> None:
    """Let records count no more."""
    await _DELETIONS.append(connection, [(*key, now) for key in keys])


async def stock(
    connection: "Connection[Any]", institution: str, items: Sequence[str]
) -> dict[str, Quantity]:
    """Stock of an institution's items that have records: see ``service.stock``."""
    rows = await connection.fetch(
        """WITH moved AS (
               SELECT id, institution_item, kind, serial, quantity, day
               FROM inventory.visible_movement
               WHERE institution = $1 AND institution_item = ANY ($2::text[])
                 AND NOT (kind = 'sale' AND quantity = 0)
           ), opening_day AS (
               SELECT institution_item, max(day) AS day FROM moved
               WHERE kind = 'stock_taking' GROUP BY institution_item
           ), counting AS (
               SELECT moved.*, row_number() OVER (
                   PARTITION BY moved.institution_item, moved.kind, moved.serial
                   ORDER BY moved.id DESC) AS from_last
               FROM moved LEFT JOIN opening_day USING (institution_item)
               WHERE CASE WHEN moved.kind = 'stock_taking' THEN moved.day = opening_day.day
                          ELSE opening_day.day IS NULL OR moved.day >= opening_day.day END
           )
           SELECT institution_item, sum(quantity)::bigint AS quantity FROM counting
           WHERE kind <> 'stock_taking' OR from_last = 1
           GROUP BY institution_item""",
        institution,
        list(items),
    )
    return {row["institution_item"]: row["quantity"] for row in rows}
