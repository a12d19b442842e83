"""Every account has its kind; every fund that a law names has a name and a scheme."""

import re
from importlib import resources

import pytest

from yibao.ledger import model
from yibao.ledger.chart import FUNDS, KINDS, UnknownAccount, kind_of, title_of
from yibao.policy.terms import Scheme


def accounts() -> list[str]:
    """An account of every function that names one."""
    made = [
        function("X1") for name, function in sorted(vars(model).items())
        if name.endswith("_account") and name != "personal_account"
    ]  # fmt: skip
    return [*made, model.personal_account("M1", "2026:current")]


def test_every_account_that_can_be_named_has_its_kind() -> None:
    assert {kind_of(account) for account in accounts()} == set(KINDS)


@pytest.mark.parametrize(
    "name",
    ["", "fund", "fund:", "funds:1", "account:M1", "account::2026", "institution:H1:owned",
     "institution::claimed", "person:M1", "person:M1:payable"],
)  # fmt: skip
def test_what_is_no_account_is_refused(name: str) -> None:
    with pytest.raises(UnknownAccount):
        kind_of(name)


def funds_of_laws() -> set[str]:
    """The codes of funds that packaged laws pay from."""
    folder = resources.files("yibao.policy") / "data"
    texts = [
        law.read_text("utf-8")
        for area in folder.iterdir() if area.is_dir()
        for law in area.iterdir() if law.name.endswith(".toml")
    ]  # fmt: skip
    return {code for text in texts for code in re.findall(r'\bfund = "(\d+)"', text)}


def test_every_fund_of_a_law_has_a_name_and_a_scheme() -> None:
    found = funds_of_laws()
    assert len(found) > 5
    assert found - FUNDS.keys() == set()
    for fund in FUNDS.values():
        assert fund.title
        assert not fund.scheme or Scheme(fund.scheme)


def test_titles_are_chinese_with_their_holder() -> None:
    assert title_of("fund:390200") == "基金 城乡居民大病医疗保险基金"
    assert title_of("fund:888888") == "基金 888888"
    assert title_of("institution:H1:payable") == "清算应付 H1"
    assert title_of("account:M1:2026:current") == "个人账户 M1:2026:current"
