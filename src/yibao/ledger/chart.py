"""The chart of accounts (会计科目): every kind of account there is, and what a fund is called.

An account's name begins with the word of its kind (``model.py`` makes the names). Amounts are
signed: what an account gains is positive, what it gives negative; each kind has a side on which its
balance normally stands.
"""

from dataclasses import dataclass
from functools import lru_cache

_REMEMBERED = 16_384
"""Names whose kind is remembered: those of the institutions and of the people of a busy hour."""


@dataclass(frozen=True, slots=True)
class AccountKind:
    """A kind of account."""

    name: str
    """As in the chart: the words of an account's name that are not of one holder."""
    title: str
    """The Chinese term."""
    sign: int
    """Of its normal balance: 1 when it gains more than it gives, −1 when it gives, 0 either."""
    law: bool = False
    """Whether a balance on the other side is a fault."""


class UnknownAccount(ValueError):  # noqa: N818 - reads as a fact
    """A name that is no account's."""


_ONE_HOLDER = {
    "fund": AccountKind("fund", "基金", -1),
    "cash": AccountKind("cash", "现金", -1),
    "contributions": AccountKind("contributions", "个人账户划入", -1),
    "interest": AccountKind("interest", "个人账户利息", -1),
    "bank": AccountKind("bank", "银行拨付", 1),
    "transit": AccountKind("transit", "在途资金", 0),
    "area": AccountKind("area", "区域往来", 0),
    "suspense": AccountKind("suspense", "待核销", 0),
}
"""Kinds whose names are the word and one holder: ``fund:310100``."""

_OF_INSTITUTION = {
    "claimed": AccountKind("institution:claimed", "应付待清算", 1),
    "collected": AccountKind("institution:collected", "现金收讫", 1),
    "payable": AccountKind("institution:payable", "清算应付", 1),
    "withheld": AccountKind("institution:withheld", "质量保证金", 1),
    "advanced": AccountKind("institution:advanced", "预付金", -1),
    "deducted": AccountKind("institution:deducted", "审核扣款", 1),
}
PERSONAL = AccountKind("account", "个人账户", 1, law=True)
_OWED = AccountKind("person:owed", "应付个人", 1)

KINDS = (*_ONE_HOLDER.values(), *_OF_INSTITUTION.values(), PERSONAL, _OWED)


@lru_cache(maxsize=_REMEMBERED)
def kind_of(account: str) -> AccountKind:
    """The kind of an account by its name. Raises UnknownAccount."""
    word, _, rest = account.partition(":")
    kind: AccountKind | None = None
    if word == "account":
        member, _, part = rest.partition(":")
        kind = PERSONAL if member and part else None
    elif word in {"institution", "person"}:
        holder, _, purse = rest.rpartition(":")
        kinds = _OF_INSTITUTION if word == "institution" else {"owed": _OWED}
        kind = kinds.get(purse) if holder else None
    elif rest:
        kind = _ONE_HOLDER.get(word)
    if kind is None:
        raise UnknownAccount(f"no account is called {account!r}")
    return kind


@dataclass(frozen=True, slots=True)
class Fund:
    """A fund of the national list of payers (基金支付类型, ``fund_pay_type``)."""

    code: str
    title: str
    scheme: str
    """The scheme (险种, ``insutype``) whose money it is; empty: above schemes."""


FUNDS = {
    fund.code: fund
    for fund in (
        Fund("310100", "职工基本医疗保险统筹基金", "310"),
        Fund("310200", "职工基本医疗保险个人账户基金", "310"),
        Fund("310300", "职工大病保险基金", "310"),
        Fund("320100", "公务员医疗补助基金", "320"),
        Fund("330100", "大额医疗费用补助基金", "330"),
        Fund("340100", "离休人员医疗保障基金", "340"),
        Fund("350100", "一至六级残疾军人医疗补助基金", "350"),
        Fund("370100", "企业补充医疗保险基金", "370"),
        Fund("390100", "城乡居民基本医疗保险基金", "390"),
        Fund("390200", "城乡居民大病医疗保险基金", "390"),
        Fund("410100", "长期护理保险基金", "410"),
        Fund("510100", "生育保险基金", "510"),
        Fund("610100", "医疗救助基金", ""),
        Fund("999996", "医院垫付", ""),
        Fund("999997", "其他基金", ""),
    )
}
"""By code. A law may name a fund that is not listed here; it is then called by its code."""


def title_of(account: str) -> str:
    """What an account is called in Chinese, with its holder: ``基金 职工基本医疗保险统筹基金``."""
    kind = kind_of(account)
    word, _, holder = account.partition(":")
    if word == "fund":
        fund = FUNDS.get(holder)
        holder = holder if fund is None else fund.title
    elif word in {"institution", "person"}:
        holder = holder.rpartition(":")[0]
    return f"{kind.title} {holder}"
