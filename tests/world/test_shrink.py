"""What is left out stays out only as long as what is left still fails."""

from collections.abc import Sequence

from tests.world.shrink import fewer


async def test_the_two_that_matter_are_found() -> None:
    tried: list[int] = []

    async def fails(things: Sequence[int]) -> bool:
        tried.append(len(things))
        return {17, 42} <= set(things)

    assert set(await fewer(range(100), fails, lambda: True)) == {17, 42}
    assert len(tried) < 100


async def test_it_ends_when_patience_does() -> None:
    left = 5

    async def fails(things: Sequence[int]) -> bool:
        nonlocal left
        left -= 1
        return 17 in things

    assert 17 in await fewer(range(100), fails, lambda: left > 0)
    assert left == 0


async def test_what_never_fails_stays_whole() -> None:
    async def fails(_: Sequence[int]) -> bool:
        return False

    assert await fewer((1, 2, 3), fails, lambda: True) == (1, 2, 3)
