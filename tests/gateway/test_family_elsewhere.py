"""A relative's account in another pool, as a hospital's counter sees it."""

from decimal import Decimal

from tests.accounts.builders import balance_of
from tests.gateway.builders import Counter
from tests.settlement.test_elsewhere import THERE, TwoPools, two_pools
from yibao.ledger.holds.model import HoldState


async def linked(counter: Counter) -> TwoPools:
    """An owner in the other pool with 150 yuan, who pays for a child here."""
    pools = await two_pools(counter.town, account="100", carried="50")
    pools.child = await counter.town.insure()
    await pools.link()
    return pools


async def test_the_counter_sees_a_family_payment_and_gives_it_back(counter: Counter) -> None:
    pools = await linked(counter)
    visit = await counter.open_visit(pools.child)
    priced = await counter.charge(pools.child, visit, ("XA01", "80"))
    content = counter.settlement(pools.child, visit, priced)
    tried = await counter.done("2206", content)
    assert tried["setlinfo"]["acct_mulaid_pay"] == Decimal("80.00")
    assert await pools.hold_states() == [], "a trial holds nothing"
    message = counter.message_id()
    done = await counter.done("2207", content, message=message)
    again = await counter.done("2207", content, message=message)
    assert done == again
    info = done["setlinfo"]
    assert (info["acct_mulaid_pay"], info["psn_cash_pay"]) == (Decimal("80.00"), 0)
    assert set(await pools.hold_states()) == {HoldState.CAPTURED}
    assert await pools.faults() == []
    names = {"setl_id": info["setl_id"], "mdtrt_id": info["mdtrt_id"], "psn_no": pools.child}
    await counter.done("2208", {"data": names})
    assert await pools.parts() == {"2025:carried": (5_000, 0), "2026:current": (10_000, 0)}
    assert await balance_of(counter.town, f"institution:{counter.institution}:claimed") == 0
    assert await pools.faults() == []
    assert pools.owner.startswith(THERE)
