"""An institution's own book: what it believes was settled, learnt from replies alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from yibao.kernel.money import Fen, fen_from_yuan

FUND_FIELDS = (
    "hifp_pay",
    "cvlserv_pay",
    "hifes_pay",
    "hifmi_pay",
    "hifob_pay",
    "maf_pay",
    "oth_pay",
)


class Kind(StrEnum):
    """What brings a patient."""

    OUTPATIENT = "outpatient"
    STAY = "stay"
    PURCHASE = "purchase"


class BillKey(NamedTuple):
    """A settlement of a visit, by the platform's numbers."""

    visit: str
    settlement: str


@dataclass(frozen=True, slots=True)
class Amounts:
    """What a bill came to and who paid it, in fen."""

    total: Fen = 0
    funds: Fen = 0
    account: Fen = 0
    cash: Fen = 0
    family: Fen = 0
    """Of relatives' accounts."""

    @property
    def claimed(self) -> Fen:
        """What the insurer owes the institution: all but the cash."""
        return self.funds + self.account + self.family

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(
            self.total + other.total,
            self.funds + other.funds,
            self.account + other.account,
            self.cash + other.cash,
            self.family + other.family,
        )

    def __neg__(self) -> "Amounts":
        return Amounts(-self.total, -self.funds, -self.account, -self.cash, -self.family)


class Label(NamedTuple):
    """Under what an institution's report sums a bill."""

    kind: Kind
    scheme: str
    level: str


@dataclass(slots=True)
class Books:
    """The book of one institution."""

    bills: dict[BillKey, Amounts] = field(default_factory=dict)
    """Net of every settlement that was ever made; a cancelled one is there with zeros."""
    living: set[BillKey] = field(default_factory=set)
    """The bills that are settled now."""
    labels: dict[BillKey, Label] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    """What the platform answered and should not have: broken identities, differing repetitions."""

    def settled(self, visit: str, label: Label, settlement: Mapping[str, Any]) -> BillKey:
        """Enter a settlement by its reply (``setlinfo`` of 2207, 2304 or 2102)."""
        key = BillKey(visit, str(settlement["setl_id"]))
        if key in self.bills:
            self.faults.append(f"{key} was settled before: its number is given twice")
        self.faults += broken_identities(settlement)
        self._enter(key, amounts_of(settlement))
        self.labels[key] = label
        self.living.add(key)
        return key

    def cancelled(self, key: BillKey, settlement: Mapping[str, Any]) -> None:
        """Enter a cancellation by its reply (``setlinfo``, with negative amounts)."""
        amounts = amounts_of(settlement)
        if amounts != -self.bills[key]:
            self.faults.append(f"cancellation of {key} is not its mirror: {amounts}")
        self._enter(key, amounts)
        self.living.discard(key)

    @property
    def net(self) -> Amounts:
        """Everything together."""
        return total_of(self.bills.values())

    def _enter(self, key: BillKey, amounts: Amounts) -> None:
        self.bills[key] = self.bills.get(key, Amounts()) + amounts


def total_of(amounts: Iterable[Amounts]) -> Amounts:
    """The sum of amounts."""
    return sum(amounts, Amounts())


def fen(value: str | int | Decimal | None) -> Fen:
    """An amount of a reply in fen; absent is 0."""
    return fen_from_yuan(value) if value not in (None, "") else 0


_OTHER_NAMES = {"psn_pay": "psn_part_amt", "cash_payamt": "psn_cash_pay"}
"""Amounts that 5203 and 2103 know by other names than 2207."""


def canonical(settlement: Mapping[str, Any]) -> dict[str, Any]:
    """A ``setlinfo`` of 5203 or 2103 in the names of 2207; one of 2207 as it is."""
    named = {other: settlement[name] for name, other in _OTHER_NAMES.items() if name in settlement}
    return named | {name: value for name, value in settlement.items() if name not in _OTHER_NAMES}


def amounts_of(settlement: Mapping[str, Any]) -> Amounts:
    """The amounts of a ``setlinfo``; 2208 spells the cash field in its own way."""
    cash = settlement.get("psn_cash_pay")
    return Amounts(
        total=fen(settlement["medfee_sumamt"]),
        funds=fen(settlement["fund_pay_sumamt"]),
        account=fen(settlement["acct_pay"]),
        cash=fen(settlement.get("pdn_cash_pay") if cash is None else cash),
        family=fen(settlement.get("acct_mulaid_pay")),
    )


def broken_identities(settlement: Mapping[str, Any]) -> list[str]:
    """The identities of a settlement's amounts that do not hold."""

    def amount(name: str) -> Fen:
        return fen(settlement.get(name))

    who = settlement.get("setl_id")
    total, funds, personal = (
        amount("medfee_sumamt"),
        amount("fund_pay_sumamt"),
        amount("psn_part_amt"),
    )
    split = sum(
        amount(name)
        for name in ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
    )
    paid = amount("acct_pay") + amount("acct_mulaid_pay") + amount("psn_cash_pay")
    checks = (
        ("total = own + over limit + first pay + in scope", total == split),
        ("funds = sum of the funds", funds == sum(map(amount, FUND_FIELDS))),
        ("person = account + family account + cash", personal == paid),
        ("total = funds + person + hospital", total == funds + personal + amount("hosp_part_amt")),
        ("deductible within scope", 0 <= amount("act_pay_dedc") <= amount("inscp_scp_amt")),
    )
    return [f"settlement {who}: broken: {name}" for name, holds in checks if not holds]
