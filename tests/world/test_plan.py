"""A seed decides everything that can be decided beforehand."""

import msgspec

from tests.world.line import Fate
from tests.world.plan import Breakage, Business, Plan, drawn


def test_a_seed_gives_the_same_plan_every_time() -> None:
    assert drawn(7, seconds=60, persons=50) == drawn(7, seconds=60, persons=50)
    assert drawn(7, seconds=60, persons=50) != drawn(8, seconds=60, persons=50)


def test_a_kept_plan_is_the_plan() -> None:
    plan = drawn(7, seconds=60, persons=50)
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan


def test_a_message_meets_the_same_fate_every_time_and_gets_through_at_last() -> None:
    plan = drawn(7, seconds=1, persons=1)
    fates = [plan.treatment(f"message {n}", 1) for n in range(2_000)]
    assert fates == [plan.treatment(f"message {n}", 1) for n in range(2_000)]
    assert {one.fate for one in fates} == set(Fate)
    troubled = sum(one.fate is not Fate.PASS for one in fates)
    assert 0.08 < troubled / len(fates) < 0.16
    assert plan.treatment("message 1", 3).fate is Fate.PASS


def test_everything_breaks_once_before_anything_breaks_twice() -> None:
    breaks = drawn(7, seconds=600, persons=1).breaks
    first = [one.what for one in breaks[: len(Breakage)]]
    assert set(first) == set(Breakage)


def test_clerks_make_families_first_and_then_do_everything() -> None:
    errands = [one.what for one in drawn(7, seconds=120, persons=20).errands]
    assert errands[:3] == [Business.LET_PAY] * 3
    assert set(errands) == set(Business)
    assert not drawn(7, seconds=120, persons=20, errands_apart=0).errands


def test_nobody_lies_in_two_hospitals_at_once_by_plan() -> None:
    for occasion in drawn(7, seconds=300, persons=20).occasions:
        assert sum(bill.kind == "stay" for bill in occasion.bills) <= 1
        assert len({bill.person for bill in occasion.bills}) == 1
