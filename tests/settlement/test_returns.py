"""Returns of a stay's lines (退费): what remains, less what was; nothing is left at the end."""

from collections.abc import Sequence
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.settlement.builders import (
    BEIJING,
    CEILED,
    CLASS_B,
    CLASS_C,
    EMPLOYEE,
    NOON,
    TERTIARY,
    Town,
    return_of,
    set_terms,
    stay_line,
)
from yibao.adjudication.model import ItemTerms, Sums
from yibao.kernel.frozen import astuple, replace
from yibao.kernel.money import Rate, line_amount
from yibao.kernel.periods import Period
from yibao.policy.model import OverLimit
from yibao.policy.terms import CareKind, ItemClass, Level
from yibao.registry.catalogue.model import Catalogue, Item, TermsRow
from yibao.settlement.fees import rules
from yibao.settlement.fees.model import Basis, Classified
from yibao.settlement.fees.rules import Known
from yibao.settlement.model import FeeLine, WithdrawLines

BASIS = Basis(EMPLOYEE, CareKind("21"), Level.THIRD, BEIJING, 1)
TERMS = st.builds(
    ItemTerms,
    st.sampled_from(ItemClass),
    st.builds(Rate, st.integers(0, 3), st.sampled_from([3, 7, 10])),
    st.integers(1, 30_000_000),
    st.just(False),
    st.just("general"),
    st.sampled_from([OverLimit.OWN, OverLimit.WHOLE, OverLimit.HOSPITAL]),
)
LINES = st.builds(
    lambda price, quantity: replace(
        stay_line("1", "0"),
        price=price,
        quantity=quantity,
        amount=line_amount(price, quantity),
    ),
    st.integers(0, 60_000_000),
    st.integers(1, 300_000),
)
SHARES = st.lists(st.integers(1, 100), min_size=1, max_size=6)


def _catalogue(terms: ItemTerms) -> Catalogue:
    code = stay_line("1", "0").item
    item = Item(code, "某药", "101", "09", 0, True, True)
    return Catalogue(1, {code: item}, {code: (TermsRow(Period(date(2020, 1, 1)), terms),)}, {})


def _taken_back(line: FeeLine, shares: Sequence[int]) -> list[FeeLine]:
    """The line given back in parts of these shares, at amounts a hospital would compute."""
    left_quantity, left_amount = line.quantity, line.amount
    returns = []
    for n, share in enumerate(shares):
        last = n == len(shares) - 1
        quantity = left_quantity if last else left_quantity * share // sum(shares[n:])
        if quantity == 0:
            continue
        amount = left_amount if last else min(left_amount, line_amount(line.price, quantity))
        returns.append(
            replace(line, serial=f"r{n}", quantity=-quantity, amount=-amount, returns=line.serial)
        )
        left_quantity, left_amount = left_quantity - quantity, left_amount - amount
    return returns


def _split_one_by_one(
    line: FeeLine, returns: Sequence[FeeLine], catalogue: Catalogue
) -> list[Classified]:
    known = Known()
    original = rules.classified(line, catalogue, BASIS)
    known.add(original)
    lines = [original]
    for sent in returns:
        split = rules.returned(sent, original, known.returned(line.serial), catalogue)
        known.add(split)
        lines.append(split)
    return lines


@given(LINES, TERMS, SHARES)
def test_whatever_the_order_of_returns_every_part_ends_at_zero(
    line: FeeLine, terms: ItemTerms, shares: list[int]
) -> None:
    catalogue = _catalogue(terms)
    lines = _split_one_by_one(line, _taken_back(line, shares), catalogue)
    assert rules.bucket_sums(lines) == {"general": Sums()}
    assert rules.in_use(rules.bucket_sums(lines)) == {}


@given(LINES, TERMS, SHARES)
def test_every_return_balances_and_none_exceeds_its_original(
    line: FeeLine, terms: ItemTerms, shares: list[int]
) -> None:
    original, *returns = _split_one_by_one(line, _taken_back(line, shares), _catalogue(terms))
    whole = astuple(original.split)
    so_far = [0, 0, 0, 0, 0]
    for back in returns:
        parts = astuple(back.split)
        assert sum(parts[:4]) == back.facts.line.amount <= 0
        so_far = [a + b for a, b in zip(so_far, parts, strict=True)]
        assert all(w + s >= 0 for w, s in zip(whole, so_far, strict=True))


# ------------------------------------------------------------------------------- over the database


async def test_boxes_given_back_one_by_one_cost_nothing_in_the_end(town: Town) -> None:
    stay = await town.admit(await town.insure(), days_ago=5)
    originals = [
        stay_line("b", "10", item=CLASS_B, quantity="3", price="3.333333"),
        stay_line("c", "21", item=CLASS_C, quantity="3", price="7"),
        stay_line("d", "60.01", item=CEILED, quantity="7", price="8.573"),
        stay_line("keep", "5"),
    ]
    await town.do(town.upload(stay, *originals))
    for original, parts in zip(
        originals,
        (("3.33", "3.33", "3.34"), ("7", "7", "7"), ("8.57",) * 6 + ("8.59",)),
        strict=False,
    ):
        for n, amount in enumerate(parts):
            back = return_of(original, f"{original.serial}{n}", "1", amount)
            (line,) = await town.do(town.upload(stay, back))
            assert line.own + line.over_limit + line.first_pay + line.in_scope == back.amount
    settled = await town.do(town.stay_settlement(stay, "5", interim=True))
    assert settled.sums == Sums(500, 0, 0, 0, 500)
    async with town.database.reader([TERTIARY]) as connection:
        sums = await connection.fetch(
            """SELECT coalesce(returns, serial) AS original, sum(amount) AS amount,
                      sum(own) AS own, sum(over_limit) AS over_limit,
                      sum(first_pay) AS first_pay, sum(in_scope) AS in_scope
               FROM settlement.visible_line GROUP BY 1"""
        )
    assert {row["original"] for row in sums if any(list(row)[1:])} == {"keep"}


async def test_a_line_that_is_settled_already_may_be_given_back_with_the_next_bill(
    town: Town,
) -> None:
    stay = await town.admit(await town.insure(), days_ago=5)
    original = stay_line("1", "100", item=CLASS_B, quantity="10", price="10")
    await town.do(town.upload(stay, original))
    first = await town.do(town.stay_settlement(stay, "100", interim=True))
    assert first.sums == Sums(10000, 0, 0, 1000, 9000)
    # the share rises meanwhile: what goes back is what was charged
    async with town.database.writer() as connection:
        await set_terms(connection, town.clock.now(), CLASS_B, "02", 5000)
        await connection.execute("UPDATE registry.version SET number = number + 1")
    await town.do(
        town.upload(stay, return_of(original, "2", "4", "40"), stay_line("3", "200", item=CLASS_B))
    )
    second = await town.do(town.stay_settlement(stay, "160", interim=True))
    assert second.sums == Sums(16000, 0, 0, 10000 - 400, 10000 - 3600)


async def test_lines_and_returns_are_classified_again_together(town: Town) -> None:
    stay = await town.admit(await town.insure(), days_ago=5)
    original = stay_line("1", "100", item=CLASS_B, quantity="10", price="10")
    await town.do(town.upload(stay, original, return_of(original, "2", "4", "40")))
    async with town.database.writer() as connection:
        await set_terms(connection, town.clock.now(), CLASS_B, "02", 5000)
        await connection.execute("UPDATE registry.version SET number = number + 1")
    settled = await town.do(town.stay_settlement(stay, "60", interim=True))
    assert settled.sums == Sums(6000, 0, 0, 3000, 3000)


async def test_several_returns_classified_again_leave_the_split_of_the_rest(town: Town) -> None:
    stay = await town.admit(await town.insure(), days_ago=5)
    original = stay_line("1", "0.09", item=CLASS_B, quantity="9", price="0.01")
    backs = (return_of(original, "2", "3", "0.03"), return_of(original, "3", "1", "0.01"))
    await town.do(town.upload(stay, original, *backs))
    async with town.database.writer() as connection:
        await set_terms(connection, town.clock.now(), CLASS_B, "02", 5000)
        await connection.execute("UPDATE registry.version SET number = number + 1")
    settled = await town.do(town.stay_settlement(stay, "0.05", interim=True))
    # half of 5 fen, rounded up: not of 9, 6 and 8
    assert settled.sums == Sums(5, 0, 0, 3, 2)


async def test_a_return_withdrawn_with_its_line_leaves_the_sums_of_the_rest(town: Town) -> None:
    stay = await town.admit(await town.insure(), days_ago=5)
    original = stay_line("1", "100", item=CLASS_B, quantity="10", price="10")
    await town.do(
        town.upload(stay, original, return_of(original, "2", "4", "40"), stay_line("3", "7"))
    )
    gone = WithdrawLines(TERTIARY, stay.member, stay.key, ("2", "1"))
    assert await town.do(gone) == 2
    assert (await town.do(town.stay_settlement(stay, "7", interim=True))).sums.total == 700


async def test_a_return_may_come_after_the_discharge(town: Town) -> None:
    stay = await town.admit(await town.insure(), days_ago=5)
    before = NOON - timedelta(days=3)
    original = stay_line("1", "100", quantity="10", price="10", time=before)
    await town.do(town.upload(stay, original))
    await town.do(town.discharge(stay, NOON - timedelta(days=2)))
    await town.do(town.upload(stay, replace(return_of(original, "2", "4", "40"), time=NOON)))
    assert (await town.do(town.stay_settlement(stay, "60"))).sums.total == 6000
