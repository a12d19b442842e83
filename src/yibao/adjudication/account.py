"""What the own personal account (个人账户) pays of the personal part."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from yibao.adjudication.applicable import FoundAccount
from yibao.adjudication.model import AccountPart
from yibao.kernel.money import Fen
from yibao.policy.model import PersonalPart


class AccountDecision(NamedTuple):
    """The account's payments by part, and what it might have paid at most."""

    found: FoundAccount
    paid: tuple[tuple[str, Fen], ...]
    payable: Fen


def decide_account(
    found: FoundAccount, personal: Mapping[PersonalPart, Fen], parts: Sequence[AccountPart]
) -> AccountDecision:
    """Payments from the account's parts: the law's order of origins, within one as given."""
    may_pay = found.may_pay.value
    payable = sum([amount for part, amount in personal.items() if part in may_pay])
    paid: list[tuple[str, Fen]] = []
    left = payable
    for origin in found.parts.value:
        for part in parts:
            if left and part.available > 0 and part.origin == origin:
                amount = min(left, part.available)
                paid.append((part.key, amount))
                left -= amount
    return AccountDecision(found, tuple(paid), payable)
