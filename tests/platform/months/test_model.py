"""Months and numbers: what is given in a month lies between its edges, by Shanghai's calendar."""

from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from yibao.kernel.identifiers import NumberSource, first_number_of
from yibao.kernel.periods import CHINA_TIME
from yibao.platform.months.model import Month, Partition, Table
from yibao.platform.months.sql import DAY, since, within

INSTANTS = st.datetimes(
    min_value=datetime(2024, 1, 2),  # noqa: DTZ001 - naive, as the strategy wants them
    max_value=datetime(2090, 1, 1),  # noqa: DTZ001
    timezones=st.just(CHINA_TIME),
)


@given(INSTANTS)
def test_a_number_lies_in_the_month_of_the_civil_day_that_it_was_given_on(moment: datetime) -> None:
    month = Month.of(moment.date())
    number = NumberSource(255).next(moment)
    assert Month.of_number(number) == month
    assert month.first <= number < month.end


def test_a_month_ends_where_the_next_one_begins_at_midnight_in_shanghai() -> None:
    december = Month(2026, 12)
    midnight = datetime(2027, 1, 1, tzinfo=CHINA_TIME)
    assert december.end == Month(2027, 1).first == first_number_of(midnight)
    assert Month.of_number(first_number_of(midnight - timedelta(milliseconds=1))) == december
    assert december.later(14) == Month(2028, 2)
    assert Month.of(date(2026, 12, 31)) == december
    assert str(december) == "2026-12"


@given(st.lists(INSTANTS, min_size=1, max_size=5))
def test_a_condition_holds_for_every_number_that_it_was_made_of(moments: list[datetime]) -> None:
    numbers = [first_number_of(moment) for moment in moments]
    condition = within("id", numbers)
    if condition != "TRUE":
        _, _, first, _, _, _, end = condition.split()
        assert all(int(first) <= number < int(end) for number in numbers)
        assert Month.of_number(int(first)).first == int(first)
        assert Month.of_number(int(end)).first == int(end)


def test_numbers_of_one_month_name_that_month_alone() -> None:
    month = Month(2026, 7)
    numbers = [month.first, month.end - 1]
    assert within("visit.id", numbers) == f"visit.id >= {month.first} AND visit.id < {month.end}"


def test_numbers_of_months_far_apart_get_no_condition_of_their_own() -> None:
    month = Month(2026, 7)
    assert within("id", [month.first, month.later(2).first]) != "TRUE"
    assert within("id", [month.first, month.later(4).first]) == "TRUE"


def test_what_was_done_later_is_looked_for_from_the_month_of_a_number_on() -> None:
    month = Month(2026, 7)
    assert since("id", month.end - 1) == f"id >= {month.first}"
    early = month.first + DAY // 2  # whoever undid it may have begun the day before
    assert since("id", early) == f"id >= {month.later(-1).first}"
    assert since("id", month.first + DAY) == f"id >= {month.first}"


def test_no_numbers_are_found_nowhere() -> None:
    assert within("id", []) == "FALSE"


def test_bounds_are_read_as_postgresql_writes_them() -> None:
    assert Partition.told("a", "FOR VALUES FROM ('12') TO ('34')") == Partition("a", 12, 34)
    assert Partition.told("a", "FOR VALUES FROM (MINVALUE) TO ('34')") == Partition("a", 0, 34)
    assert Partition.told("a", "DEFAULT") is None


def test_a_table_has_a_month_that_one_partition_covers() -> None:
    may, june = Month(2026, 5), Month(2026, 6)
    table = Table(
        "hall", "event", "id", "event_default", (Partition("event_first", 0, june.first),)
    )
    assert table.has(may)
    assert not table.has(june)
    assert table.partition_of(june) == Partition("event_2026_06", june.first, june.end)
    assert table.lacks(table.partition_of(june))
    assert not table.lacks(table.partition_of(may))
