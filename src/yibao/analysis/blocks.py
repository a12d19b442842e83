"""From a table of the population format to the columns that the law is run on, strictly read."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from yibao.adjudication.columns.model import (
    BillColumns,
    Coded,
    Days,
    Decided,
    Fens,
    LineColumns,
    SumColumns,
)
from yibao.analysis.model import PopulationError
from yibao.analysis.population import Kind, buckets_of, kind_of, sum_column
from yibao.analysis.terms import terms_of
from yibao.policy.terms import EntitlementExtent, Filing, Level, Place

_FIRST_DAY = np.datetime64("1880-01-01")
_LAST_DAY = np.datetime64("2120-01-01")
_OFFSET = int(_FIRST_DAY.astype(np.int64))


def _calendar() -> Days:
    """yyyymmdd of every day from 1880 to 2119, by days since the first."""
    days = np.arange(_FIRST_DAY, _LAST_DAY)
    years = days.astype("datetime64[Y]")
    months = days.astype("datetime64[M]")
    year = years.astype(np.int32) + 1970
    month = months.astype(np.int32) % 12 + 1
    day = (days - months).astype(np.int32) + 1
    ymd: Days = (year * 10_000 + month * 100 + day).astype(np.int32)
    return ymd


_YMD = _calendar()

_NONE = {"retired_on": 0, "begin": 0, "enrolled_years": -1, "claim_free_years": -1}
"""What stands for "none" in columns of numbers; the others' is their default."""
_DEFAULTS = {"days": 1, "months": 1, "further_diseases": 0, "visit": -1, "chain": -1}
_CLOSED: dict[str, type[StrEnum]] = {
    "entitlement": EntitlementExtent,
    "place": Place,
    "filing": Filing,
    "level": Level,
}
"""Columns of words that the law language itself fixes."""
_WIDE = ("visit", "chain")


class BlockReader:
    """Makes ``BillColumns`` of tables; keeps what it made of words, for they come again."""

    def __init__(self, file: str, names: Sequence[str]) -> None:
        """``names`` are the columns that the tables hold."""
        self._file = file
        self._names = frozenset(names)
        self._buckets = buckets_of(names)
        self._words: dict[tuple[str, str | None], Any] = {}

    def bills(self, table: pa.Table) -> BillColumns:
        """The columns of one block. Raises PopulationError naming the column."""
        optional = {
            name: self._optional(table, name) for name in sorted(self._names) if name in _OPTIONAL
        }
        return BillColumns(
            person=table.column("person").to_numpy(),
            day=self._days(table, "day"),
            care_kind=self._coded(table, "care_kind"),
            person_type=self._coded(table, "person_type"),
            birth=self._days(table, "birth"),
            level=self._level(table),
            sums={bucket: self._sums(table, bucket) for bucket in self._buckets},
            optional=optional,
            lines=self._lines(table) if "line_amount" in self._names else None,
        )

    def _optional(self, table: pa.Table, name: str) -> Any:
        match kind_of(name):
            case Kind.WORD | Kind.WORDS:
                return self._coded(table, name)
            case Kind.DAY:
                return self._days(table, name)
            case Kind.FLAG:
                return self._flags(table, name)
            case _:
                width = np.int64 if name in _WIDE else np.int32
                return self._numbers(table, name).astype(width, copy=False)

    # ---------------------------------------------------------------------------------- words

    def _coded(self, table: pa.Table, name: str) -> Coded:
        column = _single(table, name)
        if pa.types.is_null(column.type):
            return Coded.of(self._word(name, None), len(column))
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        words = [self._word(name, word) for word in column.dictionary.to_pylist()]
        codes = column.indices
        if codes.null_count:
            words.append(self._word(name, None))
            codes = codes.cast(pa.int32()).fill_null(len(words) - 1)
        if len(words) > 65_535:
            raise self._error(name, "has more than 65,535 different words in one block")
        return Coded(codes.to_numpy(zero_copy_only=False).astype(np.uint16), words)

    def _word(self, name: str, word: str | None) -> Any:
        key = (name, word)
        if key not in self._words:
            self._words[key] = self._read_word(name, word)
        return self._words[key]

    def _read_word(self, name: str, word: str | None) -> Any:
        if name in ("identities", "traits", "enrolments", "circumstances"):
            return tuple(word.split()) if word else ()
        if name == "disease":
            return word or None
        if word is None or not word:
            if name == "gender":
                return "0"
            raise self._error(name, "is empty in some row")
        if name in _CLOSED:
            try:
                return _CLOSED[name](word)
            except ValueError:
                known = ", ".join(str(member) for member in _CLOSED[name])
                raise self._error(name, f"unknown word {word!r}; known are {known}") from None
        if name == "person_type" and not (word.isdecimal() and 2 <= len(word) <= 6):
            raise self._error(name, f"{word!r} is no person type: two to six digits (psn_type)")
        if name == "care_kind" and not word.isalnum():
            raise self._error(name, f"{word!r} is no kind of care (med_type)")
        return word

    def _level(self, table: pa.Table) -> Coded:
        levels = self._coded(table, "level")
        if "pharmacy" not in self._names:
            return Coded(levels.codes, [(level, False) for level in levels.words])
        pairs = [(level, shop) for shop in (False, True) for level in levels.words]
        shops = self._flags(table, "pharmacy").astype(np.uint16)
        return Coded((levels.codes + shops * len(levels.words)).astype(np.uint16), pairs)

    # -------------------------------------------------------------------------------- numbers

    def _days(self, table: pa.Table, name: str) -> Days:
        column = _single(table, name)
        none = _NONE.get(name)
        if pa.types.is_null(column.type):
            column = column.cast(pa.date32())
        empty = column.null_count > 0
        if empty and none is None:
            raise self._error(name, "is empty in some row")
        places = _as_days(column) - _OFFSET
        if len(places) and (places.min() < 0 or places.max() >= len(_YMD)):
            raise self._error(name, "holds a day before 1880 or after 2119")
        days = _YMD[places]
        if empty:
            days = np.where(column.is_null().to_numpy(zero_copy_only=False), none or 0, days)
        return days.astype(np.int32, copy=False)

    def _numbers(self, table: pa.Table, name: str) -> NDArray[np.int64]:
        column = _single(table, name)
        if column.null_count:
            none = _NONE.get(name, _DEFAULTS.get(name))
            if none is None:
                raise self._error(name, "is empty in some row")
            column = column.cast(pa.int64()).fill_null(none)
        numbers: NDArray[np.int64] = column.to_numpy(zero_copy_only=False)
        least = {"days": 1, "months": 1}.get(name, 0)
        if (
            name in ("days", "months", "further_diseases")
            and len(numbers)
            and numbers.min() < least
        ):
            raise self._error(name, f"is less than {least} in some row")
        return numbers

    def _flags(self, table: pa.Table, name: str) -> NDArray[np.bool_]:
        column = _single(table, name)
        if column.null_count:
            column = column.cast(pa.bool_()).fill_null(False)
        flags: NDArray[np.bool_] = column.to_numpy(zero_copy_only=False)
        return flags

    def _sums(self, table: pa.Table, bucket: str) -> SumColumns:
        def part(name: str) -> Fens:
            column = sum_column(name, bucket)
            fens = self._numbers(table, column).astype(np.int64, copy=False)
            if len(fens) and fens.min() < 0:
                raise self._error(column, "is negative in some row")
            return fens

        hospital = part("hospital") if sum_column("hospital", bucket) in self._names else None
        return SumColumns(
            part("own"), part("over_limit"), part("first_pay"), part("in_scope"), hospital
        )

    # ---------------------------------------------------------------------------------- lines

    def _lines(self, table: pa.Table) -> LineColumns:
        amount = _single(table, "line_amount")
        offsets = amount.offsets.to_numpy().astype(np.int64)
        terms = _values(_single(table, "line_terms"))
        if not pa.types.is_dictionary(terms.type):
            terms = terms.dictionary_encode()
        values = {name: _values(_single(table, name)) for name in ("line_price", "line_quantity")}
        for name, column in {"line_terms": terms, **values}.items():
            if len(column) != offsets[-1] - offsets[0] or column.null_count:
                raise self._error(name, "has not as many values as line_amount has")
        return LineColumns(
            first=offsets - offsets[0],
            amount=_values(amount).to_numpy(),
            price=values["line_price"].to_numpy(),
            quantity=values["line_quantity"].to_numpy(),
            terms=terms.indices.to_numpy().astype(np.uint16),
            words=[terms_of(self._file, word) for word in terms.dictionary.to_pylist()],
        )

    def _error(self, column: str, reason: str) -> PopulationError:
        return PopulationError(self._file, column, reason)


def rows_of(bills: BillColumns, rows: NDArray[np.int64]) -> BillColumns:
    """Some bills of a block that has no lines, in their order."""

    def taken(fact: Any) -> Any:
        return Coded(fact.codes[rows], fact.words) if isinstance(fact, Coded) else fact[rows]

    return BillColumns(
        person=bills.person[rows],
        day=bills.day[rows],
        care_kind=taken(bills.care_kind),
        person_type=taken(bills.person_type),
        birth=bills.birth[rows],
        level=taken(bills.level),
        sums={
            bucket: SumColumns(
                sums.own[rows],
                sums.over_limit[rows],
                sums.first_pay[rows],
                sums.in_scope[rows],
                None if sums.hospital is None else sums.hospital[rows],
            )
            for bucket, sums in bills.sums.items()
        },
        optional={name: taken(fact) for name, fact in bills.optional.items()},
    )


def spread(
    decided: Decided, rows: NDArray[np.int64], count: int, refused: Mapping[int, str]
) -> Decided:
    """What was decided of some rows, as answers for all; the others are refused."""

    def all_rows(amounts: Fens) -> Fens:
        wide = np.zeros(count, np.int64)
        wide[rows] = amounts
        return wide

    return Decided(
        deductible=all_rows(decided.deductible),
        payments={path: all_rows(amounts) for path, amounts in decided.payments.items()},
        funds=all_rows(decided.funds),
        hospital_part=all_rows(decided.hospital_part),
        personal=all_rows(decided.personal),
        in_scope=all_rows(decided.in_scope),
        bases={path: all_rows(amounts) for path, amounts in decided.bases.items()},
        refused={int(rows[row]): name for row, name in decided.refused.items()} | dict(refused),
        by_scalar=decided.by_scalar,
    )


_OPTIONAL = frozenset(
    (
        "gender",
        "identities",
        "traits",
        "enrolments",
        "disease",
        "retired_on",
        "enrolled_years",
        "claim_free_years",
        "entitlement",
        "place",
        "filing",
        "circumstances",
        "begin",
        "days",
        "months",
        "further_diseases",
        "visit",
        "chain",
        "fixed_price",
    )
)


def _single(table: pa.Table, name: str) -> pa.Array:
    """A column as one array."""
    column = table.column(name)
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _as_days(column: pa.Array) -> NDArray[np.int32]:
    """Days since 1970; where there is none, 0."""
    days: NDArray[np.int32] = column.cast(pa.int32()).fill_null(0).to_numpy(zero_copy_only=False)
    return days


def _values(lists: pa.ListArray) -> pa.Array:
    """The values of a list column, of its own rows only."""
    first, last = lists.offsets[0].as_py(), lists.offsets[-1].as_py()
    return lists.values.slice(first, last - first)
