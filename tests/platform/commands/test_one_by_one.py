"""Commands of a batch, run each by itself."""

from datetime import UTC, datetime

from tests.platform.commands.builders import POOL, Wish, wish
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.model import Done, Unit
from yibao.platform.commands.one_by_one import one_by_one
from yibao.platform.database import Database


async def test_what_one_refuses_is_undone_and_the_others_stay(database: Database) -> None:
    async def note(unit: Unit, request: Wish) -> Done:
        await unit.connection.execute("INSERT INTO noted VALUES ($1)", request.publish)
        unit.outbox.append(("noted", {"n": request.publish}))
        if request.refuse:
            raise Refused(RefusalCode.NOT_ENROLLED, "未参保")
        return Done(request.publish, {})

    async with database.owner() as connection, connection.transaction():
        await connection.execute("CREATE TEMPORARY TABLE noted (n integer) ON COMMIT DROP")
        unit = Unit(POOL, connection, datetime(2026, 7, 1, tzinfo=UTC), await database.numbers())
        outcomes = await one_by_one(note)(
            unit, [wish("a", publish=1), wish("b", publish=2, refuse=True), wish("c", publish=3)]
        )
        rows = [row["n"] for row in await connection.fetch("SELECT n FROM noted ORDER BY n")]
    assert [type(outcome).__name__ for outcome in outcomes] == ["Done", "Refusal", "Done"]
    assert rows == [1, 3]
    assert [fact["n"] for _, fact in unit.outbox] == [1, 3]
