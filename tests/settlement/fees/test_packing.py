"""Lines come out of their upload as they went in, to the product and to SQL."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.settlement.builders import CLASS_A, CLASS_B, Town, line, return_of, stay_line
from yibao.adjudication.model import ItemTerms
from yibao.kernel.frozen import replace
from yibao.kernel.money import NO_CEILING, Rate
from yibao.platform.migrations import FOLDER
from yibao.policy.model import OverLimit
from yibao.policy.terms import ItemClass
from yibao.registry.catalogue.model import Catalogue
from yibao.settlement.fees import packing
from yibao.settlement.fees.model import OTHER_CHARGES, Classified
from yibao.settlement.model import FeeLine, LineFacts, WithdrawLines

NO_CATALOGUE = Catalogue(1, {}, {}, {})
NOON = datetime(2026, 3, 5, 4, 0, tzinfo=UTC)
AMOUNTS = st.integers(-(10**12), 10**12)
TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\x00"), min_size=1
)
DETAILS = st.dictionaries(
    st.sampled_from(["bilg_dept_codg", "rx_circ_flag", "used_frqu_dscr"]),
    st.one_of(TEXTS, st.integers(), st.lists(TEXTS, max_size=2)),
)


@st.composite
def classified(draw: st.DrawFn) -> Classified:
    """A line with any split that adds up."""
    own, over, first, scope = (draw(AMOUNTS) for _ in range(4))
    sent = FeeLine(
        draw(TEXTS), "B1", draw(TEXTS), draw(TEXTS), own + over + first + scope,
        draw(AMOUNTS), draw(AMOUNTS), NOON + timedelta(seconds=draw(st.integers(0, 3))),
        draw(st.sampled_from(["", "1", "2"])), draw(DETAILS), draw(st.none() | TEXTS),
    )  # fmt: skip
    terms = ItemTerms(
        draw(st.sampled_from(ItemClass)), Rate(draw(st.integers(0, 10_000)), 10_000),
        draw(st.integers(0, 10**9)), draw(st.booleans()), draw(TEXTS),
        draw(st.sampled_from(OverLimit)),
    )  # fmt: skip
    hospital = draw(st.sampled_from([0, over]))
    facts = LineFacts(
        sent, sent.item, OTHER_CHARGES, terms.item_class, terms.first_pay, terms.ceiling,
        terms.restricted, own, over, first, scope, hospital,
    )  # fmt: skip
    return Classified(facts, terms, draw(st.none() | st.booleans()))


@given(st.lists(classified(), min_size=1, max_size=5))
def test_lines_come_out_of_their_upload_as_they_went_in(lines: list[Classified]) -> None:
    sent, split = packing.packed_sent(lines), packing.packed_split(lines)
    places = range(len(lines))
    assert packing.classified_lines("B1", sent, split, len(lines), places, NO_CATALOGUE) == lines


def test_what_all_lines_say_alike_is_kept_once() -> None:
    sent = [line(str(n), "10", time=NOON) for n in range(3)]
    lines = [_own_expense(one) for one in sent]
    kept = json.loads(packing.packed_sent(lines))
    assert kept["each"] == {"serial": ["0", "1", "2"]}
    assert kept["same"]["amount"] == 1000
    assert "returns" not in kept["same"]


def test_what_is_usual_of_a_split_and_what_is_in_scope_are_left_out() -> None:
    lines = [_own_expense(line(str(n), "10", time=NOON)) for n in range(3)]
    assert json.loads(packing.packed_split(lines)) == {
        "same": {"item_class": "03", "first_pay_rate": 0, "ceiling": NO_CEILING, "own": 1000},
        "each": {},
    }


def test_a_split_that_does_not_add_up_is_not_kept() -> None:
    whole = _own_expense(line("1", "10", time=NOON))
    facts = whole.facts
    broken = LineFacts(
        facts.line, facts.item_name, facts.charge_type, facts.item_class, facts.first_pay_rate,
        facts.ceiling, facts.restricted, facts.own - 1, 0, 0, 0,
    )  # fmt: skip
    with pytest.raises(AssertionError):
        packing.packed_split([replace(whole, facts=broken)])


def _own_expense(sent: FeeLine) -> Classified:
    terms = ItemTerms(ItemClass.C)
    facts = LineFacts(
        sent, sent.item, OTHER_CHARGES, terms.item_class, terms.first_pay, terms.ceiling,
        terms.restricted, sent.amount, 0, 0, 0,
    )  # fmt: skip
    return Classified(facts, terms, None)


async def test_sql_sees_each_line_in_a_row_with_its_return_and_its_withdrawal(town: Town) -> None:
    stay = await town.admit(await town.insure(), days_ago=3)
    first = stay_line("s1", "100", item=CLASS_B, quantity="10", price="10")
    await town.do(town.upload(stay, first, stay_line("s2", "7"), stay_line("s3", "9")))
    await town.do(town.upload(stay, return_of(first, "s4", "4", "40")))
    await town.do(WithdrawLines(stay.institution, stay.member, stay.key, ("s2",)))
    async with town.database.reader([stay.institution]) as connection:
        rows = await connection.fetch("SELECT * FROM settlement.visible_line ORDER BY line")
    shown = [(row["serial"], row["amount"], row["returns"]) for row in rows]
    assert shown == [
        ("s1", 10000, None), ("s2", 700, None), ("s3", 900, None), ("s4", -4000, "s1"),
    ]  # fmt: skip
    assert [row["withdrawn_at"] is None for row in rows] == [True, False, True, True]
    assert all(
        row["amount"] == row["own"] + row["over_limit"] + row["first_pay"] + row["in_scope"]
        for row in rows
    )
    assert rows[0]["charged_at"] == first.time
    assert rows[0]["details"] == dict(first.details)


async def test_another_hospital_sees_no_line(town: Town) -> None:
    visit = await town.open_visit(await town.insure())
    await town.charge(visit, "100")
    async with town.database.reader(["H99999999999"]) as connection:
        assert await connection.fetch("SELECT * FROM settlement.visible_line") == []
        assert await connection.fetch("SELECT * FROM settlement.visible_upload") == []


async def test_lines_that_were_rows_are_the_same_lines_after_the_upgrade(empty_dsn: str) -> None:
    connection = await asyncpg.connect(empty_dsn)
    scripts = sorted((FOLDER / "versions").glob("[0-9]*.sql"))
    await _run(connection, [script for script in scripts if script.stem < "0024"])
    await connection.execute(ROWS_OF_BEFORE)
    before = await connection.fetch(LINES)
    await _run(connection, [script for script in scripts if script.stem.startswith("0024")])
    after = await connection.fetch(LINES)
    assert [dict(row) for row in after] == [dict(row) for row in before]
    assert len(after) == 3
    await _run(connection, [script for script in scripts if script.stem > "0025"])
    later = await connection.fetch(LINES)
    assert [dict(row) for row in later] == [dict(row) for row in before]
    uploads = await connection.fetch("SELECT batch, first, count, lowest, highest, returns FROM"
                                     " settlement.fee_upload ORDER BY batch")  # fmt: skip
    assert [tuple(row) for row in uploads] == [
        (2, 0, 2, "a", "b", True),
        (3, 0, 1, "a", "a", False),
    ]
    await connection.close()


async def _run(connection: "asyncpg.Connection[Any]", scripts: list[Path]) -> None:
    await connection.execute("CREATE SCHEMA IF NOT EXISTS platform")
    for script in scripts:
        await connection.execute(script.read_text(encoding="utf-8"))


LINES = """
    SELECT pool, visit, batch, label, line, serial, item, amount, price, quantity, charged_at,
        approval, returns, details, item_class, first_pay_rate, first_pay_of, ceiling, restricted,
        bucket, over_limit_way, approved, own, over_limit, first_pay, in_scope, hospital,
        withdrawn_at
    FROM (SELECT set_config('yibao.institutions', '*', false)) AS all_of_them,
        settlement.visible_line
    ORDER BY batch, line"""
ROWS_OF_BEFORE = """
    INSERT INTO settlement.visit (pool, id, institution, member, scheme, state, begin_at,
        voucher_type, outpatient_number, doctor_code, doctor_name, department_code,
        department_name, speciality, diagnoses, maternity)
    VALUES ('430100', 1, 'H1', '43010000000001', '310', 'open', now(),
        '01', '', '', '', '', '', '', '[]', '{}');
    INSERT INTO settlement.charge_batch (pool, id, visit, label, institution, withdrawn,
        line_count, buckets, basis)
    VALUES ('430100', 2, 1, 'B1', 'H1', false, 2, '{}', '{}'),
        ('430100', 3, 1, 'B2', 'H1', false, 1, '{}', '{}');
    INSERT INTO settlement.fee_line (pool, batch, line, serial, item, institution_item, amount,
        price, quantity, charged_at, approval, item_class, first_pay_rate, ceiling, restricted,
        bucket, own, over_limit, first_pay, in_scope, details, returns, approved, withdrawn_at)
    VALUES
        ('430100', 2, 0, 'b', 'X1', 'H1', 100,
         1000000, 10000, '2026-03-05 12:00:00.25+08', '1', 'B', 1000, 0, false,
         'b', 0, 0, 10, 90, '{"dept": "A03", "days": 3}', NULL, true, NULL),
        ('430100', 2, 1, 'a', 'X1', 'H1', -50,
         1000000, -5000, '2026-03-05 13:00:00+08', '', 'B', 1000, 0, false,
         'b', 0, 0, -5, -45, '{"dept": "A04"}', 'b', NULL, '2026-03-06 00:00:00+08'),
        ('430100', 3, 0, 'a', 'X2', 'H2', 7,
         70000, 10000, '2026-03-05 12:00:00+08', '', 'C', 0, 5, true,
         '', 7, 0, 0, 0, '{}', NULL, NULL, NULL)"""


async def test_a_month_compresses_both_texts_of_a_long_upload_in_its_row(town: Town) -> None:
    visit = await town.open_visit(await town.insure())
    lines = [
        line(f"long-serial-{n}", str(n + 1), item=(CLASS_A, CLASS_B)[n % 2]) for n in range(45)
    ]
    await town.do(town.upload(visit, *lines))
    async with town.database.owner() as connection:
        row = await connection.fetchrow(
            """SELECT pg_column_size(sent) AS sent, pg_column_size(split) AS split,
                      octet_length(sent::text) AS whole_sent, octet_length(split::text) AS whole
               FROM settlement.fee_upload"""
        )
    assert row["sent"] < row["whole_sent"] * 2 / 3
    assert row["split"] < row["whole"] * 2 / 3
