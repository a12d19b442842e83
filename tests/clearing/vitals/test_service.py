"""A bank file is seen until the bank has answered each of its lines."""

from yibao.clearing.vitals.service import VITALS
from yibao.platform.database import Database

SENT = """
    INSERT INTO clearing.run (pool, number, bank, count, amount, digest, made_by, made_at)
    VALUES ('110000', 1, '测试专户', 2, 3, '', 'W1', now() - interval '50 hours');
    INSERT INTO clearing.payment (pool, run, line, payee, amount, sealed_holder, sealed_account,
                                  bank)
    VALUES ('110000', 1, 1, 'a', 1, '', '', 'b'), ('110000', 1, 2, 'c', 2, '', '', 'b')"""
ANSWERED = """
    INSERT INTO clearing.confirmation (pool, run, line, result, reason, banked_on, posting,
                                       confirmed_by, confirmed_at)
    VALUES ('110000', 1, $1, $2, $3, now()::date, 1, 'W1', now())"""


async def test_a_file_waits_for_its_last_line(database: Database) -> None:
    async with database.owner() as connection:

        async def hours() -> int:
            return int(await VITALS["yibao_payment_unconfirmed_seconds"](connection) // 3600)

        assert await hours() == 0
        await connection.execute(SENT)
        assert await hours() == 50
        await connection.execute(ANSWERED, 1, "paid", "")
        assert await hours() == 50
        await connection.execute(ANSWERED, 2, "rejected", "账号户名不符")
        assert await hours() == 0
