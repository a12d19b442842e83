"""The packaged limits are those of the source, whole and each of a rule."""

from collections import Counter
from datetime import date

from yibao.policy.terms import Level
from yibao.supervision import service
from yibao.supervision.knowledge import limits
from yibao.supervision.model import Care, OrderLine, Patient, Rule, Stage

FOR_MEN, FOR_CHILDREN = "XL02BBA326A001010102180", "ZA04CAE0023010100166"


def test_every_limit_is_known_by_its_codes() -> None:
    codes = Counter(limit.rule for rows in limits().values() for limit in rows)
    assert codes == {
        Rule.DRUG_BY_SEX: 6472,
        Rule.ITEM_BY_SEX: 390,
        Rule.DRUG_FOR_CHILDREN: 4398,
        Rule.ITEM_BY_AGE: 30,
        Rule.ITEM_BY_WORKING_AGE: 1,
        Rule.DRUG_BY_INSURANCE: 112,
        Rule.DRUG_BY_HOSPITAL_LEVEL: 962,
        Rule.DRUG_BY_KIND_OF_CARE: 736,
    }


def test_every_bound_is_one_that_the_rules_understand() -> None:
    bounds = {limit.bound for rows in limits().values() for limit in rows}
    assert bounds == {
        "男",
        "女",
        "儿童",
        "婴幼儿",
        "新生儿",
        "就业年龄",
        "工伤",
        "生育",
        "二级",
        "三级",
        "住院",
        "住院、急诊",
    }


def test_lines_are_checked_by_the_packaged_rules_without_a_message() -> None:
    woman = Patient("2", date(1990, 1, 1))
    lines = [
        OrderLine(str(i), code, "", 10_000, 1000, 0, date(2026, 7, 15))
        for i, code in enumerate((FOR_MEN, FOR_CHILDREN, "NONE"))
    ]
    found = service.findings(lines, woman, Care("11", "310", Level.THIRD), Stage.AFTER)
    assert [one.rule for one in found] == [Rule.DRUG_BY_SEX, Rule.DRUG_FOR_CHILDREN]
    assert found[0].evidence[0].name == "阿帕他胺片"
