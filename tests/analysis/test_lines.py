"""Lines split on columns are split as one by one, to the fen."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.analysis.builders import bill, population
from tests.policy.builders import dated, document, law_of
from tests.properties import examples
from yibao.adjudication.classify import classify
from yibao.adjudication.columns.model import BillColumns
from yibao.adjudication.columns.rows import bill_at
from yibao.adjudication.lines import terms_under
from yibao.adjudication.model import ChargedLine, Sums
from yibao.analysis.blocks import BlockReader
from yibao.analysis.lines import sums_under
from yibao.analysis.reading import blocks, open_file, scan, tasks
from yibao.analysis.terms import terms_of
from yibao.kernel.frozen import astuple
from yibao.kernel.refusals import Refused
from yibao.policy.model import Law

WORDS = (
    '{"class":"A"}',
    '{"class":"B"}',
    '{"class":"C"}',
    '{"class":"B","first_pay":"0.05"}',
    '{"class":"B","first_pay":"1/3","ceiling":"10.5"}',
    '{"class":"A","ceiling":"10","over_limit":"hospital"}',
    '{"class":"A","ceiling":"10","over_limit":"whole"}',
    '{"class":"A","ceiling":"10","kind":"drug"}',
    '{"class":"A","ceiling":"10"}',
    '{"class":"A","restricted":true,"approved":true}',
    '{"class":"A","restricted":true}',
    '{"class":"B","approved":false}',
    '{"class":"B","bucket":"dual"}',
)


def law_with(lines: dict[str, Any]) -> Law:
    return law_of(document() | {"lines": lines})


LAW = law_with(
    {
        "first_pay": [
            dated(
                {"A": {"other": 0}, "B": {"l3": "0.15", "other": "0.1"}},
                by=["item_class", "level"],
            ),
            dated(
                {"A": {"other": 0}, "B": {"l3": "0.25", "other": "0.2"}},
                start=date(2025, 3, 2),
                by=["item_class", "level"],
            ),
        ],
    }
)

line = st.tuples(
    st.integers(-2_000_000, 2_000_000),
    st.integers(0, 30_000_000),
    st.integers(-200_000, 200_000),
    st.sampled_from(WORDS),
)
bills_with_lines = st.lists(
    st.tuples(
        st.sampled_from(["l2", "l3"]),
        st.sampled_from([date(2025, 3, 1), date(2025, 3, 2)]),
        st.lists(line, max_size=4),
    ),
    min_size=1,
    max_size=5,
)


def read(path: Path, bills: list[dict[str, Any]]) -> BillColumns:
    found = scan(population(path / "p.parquet", bills))
    file = open_file(found.path, found.names)
    (table,) = blocks(file, tasks(found.groups, 100)[0], found.names, 100)
    return BlockReader("p.parquet", found.names).bills(table)


def lines_of(lines: list[tuple[int, int, int, str]]) -> dict[str, list[Any]]:
    names = ("line_amount", "line_price", "line_quantity", "line_terms")
    return {name: [one[place] for one in lines] for place, name in enumerate(names)}


@settings(
    max_examples=examples(80),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(bills_with_lines)
@example([("l2", date(2025, 3, 1), [(10**12, 10**13, 10**11, WORDS[4]), (5, 5, 5, WORDS[1])])])
def test_columns_split_every_line_as_the_scalar_engine(tmp_path: Path, made: Any) -> None:
    columns = read(
        tmp_path,
        [
            bill(person, level=level, day=day) | lines_of(lines)
            for person, (level, day, lines) in enumerate(made)
        ],
    )
    split = sums_under(LAW, columns)
    for row, (_, _, lines) in enumerate(made):
        facts = bill_at(columns, row, LAW.scheme)
        expected: dict[str, Sums] = {}
        for amount, price, quantity, word in lines:
            raw, approved = terms_of("p", word)
            terms = terms_under(LAW, facts, raw)
            parts = astuple(classify(ChargedLine(amount, price, quantity, approved), terms))
            expected[terms.bucket] = expected.get(terms.bucket, Sums()) + Sums(amount, *parts)
        for bucket, sums in split.sums.items():
            five = (sums.own, sums.over_limit, sums.first_pay, sums.in_scope)
            hospital = 0 if sums.hospital is None else int(sums.hospital[row])
            wanted = expected.get(bucket, Sums())
            assert [int(part[row]) for part in five] + [hospital] == [
                wanted.own,
                wanted.over_limit,
                wanted.first_pay,
                wanted.in_scope,
                wanted.hospital,
            ]
        assert set(expected) <= set(split.sums)
    assert split.refused == {}


def test_a_line_without_terms_refuses_its_bill_by_the_parameter(tmp_path: Path) -> None:
    law = law_with({"first_pay": [dated({"B": "0.1"}, by=["item_class"])]})
    bills = [
        bill(1) | lines_of([(100, 1, 1, WORDS[1])]),
        bill(2) | lines_of([(100, 1, 1, WORDS[1]), (100, 1, 1, WORDS[0])]),
    ]
    assert sums_under(law, read(tmp_path, bills)).refused == {1: "lines.first_pay.A"}


def test_a_price_that_nobody_may_ask_refuses_its_bill(tmp_path: Path) -> None:
    word = '{"class":"A","ceiling":"10","over_limit":"refuse"}'
    bills = [
        bill(1) | lines_of([(1100, 11_000_000, 10_000, word)]),
        bill(2) | lines_of([(1000, 10_000_000, 10_000, word)]),
    ]
    columns = read(tmp_path, bills)
    assert set(sums_under(LAW, columns).refused) == {0}
    raw, _ = terms_of("p", word)
    terms = terms_under(LAW, bill_at(columns, 0, LAW.scheme), raw)
    try:
        classify(ChargedLine(1100, 11_000_000, 10_000), terms)
        refused = ""
    except Refused as refusal:
        refused = refusal.refusal.code.name
    assert sums_under(LAW, columns).refused[0] == refused


def test_a_block_without_any_line_has_sums_of_nothing(tmp_path: Path) -> None:
    split = sums_under(LAW, read(tmp_path, [bill(1) | lines_of([])]))
    assert all(not np.any(sums.in_scope) for sums in split.sums.values())
