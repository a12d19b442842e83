"""After a hospital's day no patient's name or number can be read anywhere in the database."""

from tests.gateway.builders import Counter
from tests.gateway.life import life_of

PATIENT = ('"测试"', ",测试,", "(测试,", ",测试)")
"""The patients' name as a whole value: in JSON, or as a column of a row."""
TELEPHONE = "000-0000"
IN_THE_CLEAR = {
    "registry.department": "the telephone of a department's head, as the institution told it",
}
"""Tables in which a telephone stands that is no patient's."""


async def test_nobody_is_named_in_the_clear(counter: Counter) -> None:
    life = await life_of(counter)
    documents = set(counter.town.documents.values()) | {life.named["certno"]}
    found: dict[str, list[str]] = {}
    told = 0
    async with counter.town.database.owner() as connection:
        tables = await connection.fetch(
            """SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
               WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
                 AND pg_relation_size(format('%I.%I', schemaname, tablename)::regclass) > 0"""
        )
        for (table,) in tables:
            text = await connection.fetchval(f"SELECT string_agg(t::text, '|') FROM {table} AS t")
            wanted = {*documents, *PATIENT, TELEPHONE}
            told += (text or "").count(life.named["psn_no"])
            named = sorted(one for one in wanted if one in (text or ""))
            if named and table not in IN_THE_CLEAR:
                found[table] = named
    assert told > 10, "people do have rows, under their pseudonyms"
    assert found == {}
