"""SQL of payees' accounts, runs, payments and what the bank answered."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.clearing.payments.model import (
    ConfirmedLine,
    ListedPayment,
    Payee,
    PayeeAccount,
    Payment,
    Result,
    Run,
)
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.platform.crypto import Vault

if TYPE_CHECKING:
    from asyncpg import Connection, Record


async def insert_account(
    connection: "Connection[Any]",
    vault: Vault,
    key: PoolKey,
    account: PayeeAccount,
    clerk: str,
    now: datetime,
) -> None:
    """Write where a payee wants its money from now on."""
    await connection.execute(
        """INSERT INTO clearing.payee_account (pool, number, payee, sealed_holder, sealed_account,
               bank, recorded_by, recorded_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        *key,
        account.payee,
        vault.seal(account.holder),
        vault.seal(account.account),
        account.bank,
        clerk,
        now,
    )


async def accounts(
    connection: "Connection[Any]", vault: Vault, pool: Pool, payees: Sequence[str]
) -> dict[str, PayeeAccount]:
    """The newest account of each payee; who has none is absent."""
    rows = await connection.fetch(
        """SELECT DISTINCT ON (payee) payee, sealed_holder, sealed_account, bank
           FROM clearing.visible_payee_account
           WHERE pool = $1 AND payee = ANY ($2::text[]) ORDER BY payee, number DESC""",
        pool,
        payees,
    )
    return {row["payee"]: _account(row, vault) for row in rows}


async def insert_run(connection: "Connection[Any]", vault: Vault, run: Run, digest: bytes) -> None:
    """Write a run and its payments."""
    await connection.execute(
        """INSERT INTO clearing.run (pool, number, bank, count, amount, digest, made_by, made_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        *run.key,
        run.bank,
        len(run.payments),
        run.amount,
        digest,
        run.made_by,
        run.made_at,
    )
    await connection.executemany(
        """INSERT INTO clearing.payment (pool, run, line, payee, institution, amount,
               sealed_holder, sealed_account, bank)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        [
            (
                *run.key,
                payment.line,
                payment.payee.name,
                payment.payee.institution,
                payment.amount,
                vault.seal(payment.to.holder),
                vault.seal(payment.to.account),
                payment.to.bank,
            )
            for payment in run.payments
        ],
    )


async def find_run(connection: "Connection[Any]", vault: Vault, key: PoolKey) -> Run | None:
    """A run with its payments, opened; the bureau's sight alone."""
    found = await connection.fetchrow(
        "SELECT * FROM clearing.visible_run WHERE pool = $1 AND number = $2", *key
    )
    if found is None:
        return None
    rows = await connection.fetch(
        "SELECT * FROM clearing.visible_payment WHERE pool = $1 AND run = $2 ORDER BY line", *key
    )
    payments = tuple(
        Payment(row["line"], _payee(row), row["amount"], _account(row, vault)) for row in rows
    )
    return Run(key, found["bank"], payments, found["made_by"], found["made_at"])


async def confirmed_lines(connection: "Connection[Any]", run: PoolKey) -> set[int]:
    """Lines of a run that the bank has answered."""
    rows = await connection.fetch(
        """SELECT line FROM clearing.visible_payment
           WHERE pool = $1 AND run = $2 AND result IS NOT NULL""",
        *run,
    )
    return {row["line"] for row in rows}


async def insert_confirmations(
    connection: "Connection[Any]",
    run: PoolKey,
    lines: Sequence[ConfirmedLine],
    posting: int,
    clerk: str,
    now: datetime,
) -> None:
    """Write the bank's answers."""
    await connection.executemany(
        """INSERT INTO clearing.confirmation (pool, run, line, result, reason, banked_on, posting,
               confirmed_by, confirmed_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        [
            (*run, line.line, line.result.value, line.reason, line.banked_on, posting, clerk, now)
            for line in lines
        ],
    )


async def of_institution(connection: "Connection[Any]", institution: str) -> list[ListedPayment]:
    """An institution's payments, oldest first."""
    rows = await connection.fetch(
        "SELECT * FROM clearing.visible_payment WHERE institution = $1 ORDER BY run, line",
        institution,
    )
    return [_listed(row) for row in rows]


async def of_pool(
    connection: "Connection[Any]", pool: Pool | None, run: PoolKey | None = None
) -> list[ListedPayment]:
    """Payments of a pool or all, or of one run, oldest first."""
    rows = await connection.fetch(
        """SELECT * FROM clearing.visible_payment
           WHERE ($1::text IS NULL OR pool = $1) AND ($2::bigint IS NULL OR run = $2)
           ORDER BY run, line""",
        pool if run is None else run.pool,
        None if run is None else run.number,
    )
    return [_listed(row) for row in rows]


def _account(row: "Record", vault: Vault) -> PayeeAccount:
    return PayeeAccount(
        row["payee"],
        vault.open(row["sealed_holder"]),
        vault.open(row["sealed_account"]),
        row["bank"],
    )


def _payee(row: "Record") -> Payee:
    return Payee(row["payee"], row["institution"] is None)


def _listed(row: "Record") -> ListedPayment:
    result = row["result"]
    return ListedPayment(
        PoolKey(row["pool"], row["run"]),
        row["line"],
        _payee(row),
        row["amount"],
        row["paying_bank"],
        row["made_at"],
        None if result is None else Result(result),
        row["reason"] or "",
        row["banked_on"],
    )
