"""A frozen value: what a frozen dataclass would be, made in C."""

import gc

import pytest

from yibao.kernel.frozen import Frozen, field, replace


class Dose(Frozen):
    drug: str
    times: int = 3
    notes: tuple[str, ...] = field(default_factory=tuple)


class Rank(Frozen, order=True):
    first: int
    second: int = 0


def test_a_value_never_changes() -> None:
    dose = Dose("XA01")
    with pytest.raises(AttributeError):
        dose.times = 4  # type: ignore[misc]
    assert dose.times == 3


def test_values_are_the_same_when_their_content_is() -> None:
    assert Dose("XA01") == Dose("XA01", 3, ())
    assert hash(Dose("XA01")) == hash(Dose("XA01", 3, ()))
    assert Dose("XA01") != Dose("XA01", 4)
    assert Dose("XA01") != ("XA01", 3, ())


def test_a_replaced_value_leaves_the_old_one_as_it_was() -> None:
    dose = Dose("XA01", notes=("before meals",))
    assert replace(dose, times=1) == Dose("XA01", 1, ("before meals",))
    assert dose.times == 3
    with pytest.raises(TypeError):
        replace(dose, colour="red")  # type: ignore[call-arg]


def test_a_value_asked_to_be_ordered_goes_by_its_fields() -> None:
    assert sorted([Rank(2), Rank(1, 5), Rank(1, 2)]) == [Rank(1, 2), Rank(1, 5), Rank(2)]


def test_the_garbage_collector_does_not_walk_values() -> None:
    assert not gc.is_tracked(Dose("XA01"))
