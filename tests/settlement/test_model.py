"""What makes two settlements the same one."""

from operator import eq, ne

from tests.settlement.builders import Town
from yibao.kernel.frozen import replace


async def test_a_settlement_is_the_same_whoever_is_told_beside_it(town: Town) -> None:
    settled = await town.bill(await town.insure(), "100")
    assert settled.insured is not None
    read_back = replace(settled, insured=None)
    assert read_back == settled
    assert not ne(read_back, settled)


async def test_a_settlement_of_another_fen_is_another_one(town: Town) -> None:
    settled = await town.bill(await town.insure(), "100")
    other = replace(settled, cash=settled.cash + 1)
    assert other != settled
    assert not eq(other, settled)
    assert settled != "a settlement"
