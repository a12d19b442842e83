"""What the posting of a settlement must say. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from yibao.kernel.areas import Pool
from yibao.kernel.money import Fen
from yibao.ledger.model import (
    Entry,
    cash_account,
    claimed_account,
    collected_account,
    fund_account,
    owed_account,
)
from yibao.settlement.model import Payee

OWN, FAMILY = "what is the person's own", "the family's accounts"


class Settled(NamedTuple):
    """What a settlement, cancellation or reinstatement says of money, in fen."""

    pool: Pool
    number: int
    institution: str
    member: str
    payee: Payee
    payments: Sequence[tuple[str, Fen]]
    """(fund, amount)."""
    account: Fen
    family: Fen
    cash: Fen
    heirs: Sequence[str] = ()
    """Numbers of the same human that the member's account went over to."""


def differences(settled: Settled, entries: Iterable[Entry]) -> list[str]:
    """Where the entries of a settlement's number are not what it says, as sentences."""
    expected, booked = _expected(settled), _booked(settled, entries)
    return [
        f"its settlement says {expected[account]} fen on {account}, its entries {booked[account]}"
        for account in sorted(expected.keys() | booked.keys())
        if expected[account] != booked[account]
    ]


def _expected(settled: Settled) -> Counter[str]:
    """Sums by account. What is paid to a person is owed to them, and their cash is not booked."""
    sums: Counter[str] = Counter()
    for fund, amount in settled.payments:
        sums[fund_account(fund)] -= amount
    claimed = sum(amount for _, amount in settled.payments) + settled.account + settled.family
    sums[OWN] -= settled.account
    sums[FAMILY] -= settled.family
    if settled.payee is Payee.PERSON:
        sums[OWN] += claimed
    else:
        sums[claimed_account(settled.institution)] += claimed
        sums[cash_account(settled.institution)] -= settled.cash
        sums[collected_account(settled.institution)] += settled.cash
    return sums


def _booked(settled: Settled, entries: Iterable[Entry]) -> Counter[str]:
    """Sums of entries by account.

    What would go back to an account that is closed is owed to its owner, or goes to the number that
    the account went over to, so all count as one; a relative's account may lie in another pool
    (``area:``, ``transit:``).
    """
    numbers = (settled.member, *settled.heirs)
    own = tuple([f"account:{one}:" for one in numbers] + [owed_account(one) for one in numbers])
    sums: Counter[str] = Counter()
    for account, amount in entries:
        if account.startswith(own):
            sums[OWN] += amount
        elif account.startswith(("account:", "person:", "area:", "transit:")):
            sums[FAMILY] += amount
        else:
            sums[account] += amount
    return sums
