"""Code tables give labels and say how sure they are."""

import pytest

from yibao.registry.dictionaries.service import label, table, tables


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("insutype", "310", "职工基本医疗保险"),
        ("med_type", "11", "普通门诊"),
        ("chrgitm_lv", "02", "乙类"),
        ("psn_idet_type", "2303", "低保对象"),
        ("psn_idet_type", "2211", "医疗照顾人员"),
        ("psn_idet_type", "3501", "计划生育等"),
        ("insutype", "000", None),
        ("no such table", "1", None),
    ],
)
def test_a_value_has_its_label(name: str, value: str, expected: str | None) -> None:
    assert label(name, value) == expected


def test_every_table_says_how_sure_it_is() -> None:
    assert len(tables()) == 93
    for one in tables().values():
        assert one.values, one.name
        assert one.sources or one.confidence == "D", f"{one.name} was seen somewhere"
    special_drug = table("med_type").find("15")  # type: ignore[union-attr]
    assert special_drug is not None
    assert special_drug.confidence == "C", "weaker than its table"


def test_only_a_closed_table_forbids_a_value() -> None:
    gender, scheme, ethnicity = table("gend"), table("insutype"), table("naty")
    assert gender is not None
    assert scheme is not None
    assert ethnicity is not None
    assert gender.allows("1")
    assert not gender.allows("7")
    assert scheme.open
    assert scheme.allows("39916")
    assert ethnicity.allows("56")
    assert not ethnicity.allows("57")


def test_a_range_of_codes_covers_what_lies_in_it() -> None:
    status = table("mobile_ord_stas")
    assert status is not None
    found = [entry.value for code in ("2", "9", "13") if (entry := status.find(code))]
    assert found == ["0-2", "7-13", "7-13"]
