"""The examples keep the rules of the tables that they are made from."""

from datetime import date
from decimal import Decimal

import pytest

from yibao.gateway.examples import example
from yibao.gateway.reading import InputReader
from yibao.gateway.tables import tables
from yibao.registry.dictionaries.service import tables as code_tables

WITH_INPUT = sorted(number for number, table in tables().transactions.items() if table.input)


@pytest.mark.parametrize("number", WITH_INPUT)
def test_an_example_is_read(number: str) -> None:
    assert InputReader(tables().transactions[number].input, code_tables()).read(example(number))


def test_an_examples_line_agrees_with_itself() -> None:
    (line,) = example("2204")["feedetail"]
    assert Decimal(line["det_item_fee_sumamt"]) == Decimal(line["pric"]) * Decimal(line["cnt"])


def test_an_examples_sums_make_the_total() -> None:
    data = example("2207")["data"]
    parts = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
    assert Decimal(data["medfee_sumamt"]) == sum(Decimal(data[part]) for part in parts)


def test_an_example_lies_on_the_day_asked_for() -> None:
    assert example("2201", date(2027, 1, 2))["data"]["begntime"] == "2027-01-02 12:00:00"


def test_the_kind_of_care_is_the_familys() -> None:
    assert example("2401")["mdtrtinfo"]["med_type"] == "21"
    assert example("2102")["druginfo"]["med_type"] == "41"
    assert example("2207")["data"]["med_type"] == "11"


def test_a_node_inside_another_stays_inside() -> None:
    (patient,) = example("3101")["data"]["patient_dtos"]
    (encounter,) = patient["fsi_encounter_dtos"]
    assert encounter["fsi_order_dtos"]


def test_a_transaction_without_a_table_has_an_empty_example() -> None:
    assert example("0000") == {}


@pytest.mark.parametrize("number", ["2102", "2207", "2304"])
def test_an_example_of_a_bill_names_no_box_that_could_be_sold_but_once(number: str) -> None:
    assert "drug_trac" not in str(example(number))
