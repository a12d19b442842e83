"""Where a message is remembered: the same place in the product and in SQL."""

import pytest

from yibao.platform.commands.model import MessageKey
from yibao.platform.database import Database

OFFICIAL = MessageKey("H11000000001", "2207", "H11000000001202611231020264278")
KEYS = [
    OFFICIAL,
    OFFICIAL._replace(transaction="2208"),
    OFFICIAL._replace(institution="H11000000002"),
    OFFICIAL._replace(message_id="H11000000001202611231020264279"),
    OFFICIAL._replace(message_id="甲院甲院甲院甲院甲院甲院2026112310"),
    OFFICIAL._replace(message_id="a\nb\nc\nd\nefgh2026112310"),
    OFFICIAL._replace(message_id="H11000000001２０２６１１２３１０"),
    OFFICIAL._replace(message_id=""),
    MessageKey("app:some", "consent", "9f1c"),
]


async def test_sql_finds_a_message_where_the_product_put_it(database: Database) -> None:
    async with database.writer() as connection:
        for key in KEYS:
            found = await connection.fetchval("SELECT platform.message_key($1, $2, $3)", *key)
            assert str(found) == key.place(), key


def test_no_two_messages_share_a_place() -> None:
    moved = MessageKey("H1\n2207", "x", "M"), MessageKey("H1", "2207", "x\nM")
    places = {key.place() for key in (*KEYS, moved[0])}
    assert len(places) == len(KEYS) + 1


@pytest.mark.parametrize(
    ("message_id", "begins"),
    [
        ("H11000000001202611231020264278", "26112310"),
        ("H11000000001202611231159590001", "26112311"),
        ("H11000000001199911231159590001", "00000000"),
        ("M1", "00000000"),
    ],
)
def test_messages_of_an_hour_lie_together(message_id: str, begins: str) -> None:
    assert OFFICIAL._replace(message_id=message_id).place().startswith(begins)
