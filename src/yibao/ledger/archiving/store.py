"""SQL of balances that are carried over when entries are put away."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncpg import Connection


async def carry(connection: "Connection[Any]", low: int, high: int) -> None:
    """Carry over the sums of entries whose postings are ``low`` ≤ number < ``high``, by month."""
    await connection.execute(
        """INSERT INTO ledger.carried_balance (pool, account, month, amount)
           SELECT pool, account, date_trunc('month', posted_on)::date, sum(amount)
           FROM ledger.entry WHERE posting >= $1 AND posting < $2
           GROUP BY 1, 2, 3 HAVING sum(amount) <> 0
           ON CONFLICT (pool, account, month)
           DO UPDATE SET amount = carried_balance.amount + EXCLUDED.amount""",
        low,
        high,
    )
