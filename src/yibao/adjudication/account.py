"""What the own personal account (个人账户) pays of the personal part."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from yibao.adjudication.model import AccountPart
from yibao.kernel.money import Fen
from yibao.policy.model import AccountRules, Case, Found, PersonalPart


class AccountDecision(NamedTuple):
    """The account's payments by part, and what it might have paid at most."""

    paid: tuple[tuple[str, Fen], ...]
    payable: Fen
    may_pay: Found[frozenset[PersonalPart]]


def decide_account(
    rules: AccountRules,
    personal: Mapping[PersonalPart, Fen],
    parts: Sequence[AccountPart],
    day: date,
    case: Case,
) -> AccountDecision:
    """Payments from the account's parts, in the law's order of origins, then as given.

    Refused: PARAMETER_MISSING.
    """
    may_pay = rules.may_pay.find(day, case)
    payable = sum(amount for part, amount in personal.items() if part in may_pay.value)
    paid: list[tuple[str, Fen]] = []
    left = payable
    for origin in rules.parts.find(day, case).value:
        for part in parts:
            if part.origin != origin:
                continue
            amount = min(left, part.available)
            if amount > 0:
                paid.append((part.key, amount))
                left -= amount
    return AccountDecision(tuple(paid), payable, may_pay)
