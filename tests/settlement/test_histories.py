"""Whatever is done in whatever order, the books are those of the bills that stand."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.settlement.builders import Town
from tests.settlement.histories import History

LIKELY = ("visit", "admit", "charge", "charge", "charge", "settle", "settle", "settle")
STEPS = st.tuples(
    st.sampled_from(
        (
            *LIKELY,
            *("buy", "give_back", "give_back", "withdraw", "discharge", "reopen", "change"),
            *("deregister", "cancel", "cancel", "reverse", "reverse", "repeat", "wait"),
        )
    ),
    st.integers(0, 3),
    st.integers(0, 999),
)


@given(st.lists(STEPS, min_size=8, max_size=40))
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_the_books_are_those_of_the_bills_that_stand(
    town: Town, steps: list[tuple[str, int, int]]
) -> None:
    history = await History.begun(town)
    for name, a, b in (("admit", 0, 3), ("charge", 0, 27), *steps):
        await getattr(history, name)(a, b)
        await history.check()
    await history.end()
    await history.check()
    assert history.counters() == {}
