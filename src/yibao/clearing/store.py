"""SQL of the pool's desk."""

from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool

if TYPE_CHECKING:
    from asyncpg import Connection


async def hold_desk(connection: "Connection[Any]", pool: Pool) -> None:
    """Lock the pool's row until the transaction ends, making it if it is not there."""
    await connection.execute(
        """INSERT INTO clearing.desk AS desk (pool, moves) VALUES ($1, 1)
           ON CONFLICT (pool) DO UPDATE SET moves = desk.moves + 1""",
        pool,
    )
