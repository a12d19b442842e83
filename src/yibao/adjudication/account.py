"""What the own personal account (个人账户) pays, part by part, as the law orders them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from yibao.adjudication.model import AccountPart
from yibao.adjudication.plan import FoundAccount
from yibao.kernel.money import Fen
from yibao.policy.model import PersonalPart


class AccountDecision(NamedTuple):
    """The account's payments by part, and what it had to pay of."""

    found: FoundAccount
    paid: tuple[tuple[str, Fen], ...]
    personal: Mapping[PersonalPart, Fen]
    """The person's part as the rules tell it apart."""
    spent_first: Fen
    """Of what was paid: before the deductible."""

    @property
    def payable(self) -> Fen:
        """What the account might have paid at most."""
        return sum([self.personal[part] for part in self.found.payable])


class Account:
    """The personal account while a bill is decided; its balances fall as it pays."""

    __slots__ = ("_found", "_left", "_origins", "_paid", "_parts", "_spent")

    def __init__(self, found: FoundAccount, parts: Sequence[AccountPart]) -> None:
        self._found = found
        self._parts = parts
        self._left = [part.available for part in parts]
        self._origins = {part.origin for part in parts}
        self._paid: dict[str, Fen] = {}
        self._spent = 0

    def spend_first(self, cost: Fen) -> Fen:
        """Pay of the cost before the deductible begins, with the parts the law spends first."""
        first = self._found.spent_first
        if first is None:
            return 0
        rest = cost
        for origin in first.value:
            rest -= self._pay(origin, rest)
        spent = cost - rest
        self._spent += spent
        return spent

    def pay(self, personal: Mapping[PersonalPart, Fen]) -> AccountDecision:
        """Pay of the person's part: each part of the account what it may, in the law's order."""
        found = self._found
        rest = dict(personal)
        order = [one for one in found.order if one[0] in self._origins]
        for n, (origin, may_pay) in enumerate(order, 1):
            paid = self._pay(origin, sum([rest[part] for part in may_pay]))
            if n == len(order):
                break  # nobody asks any more what is left of which part
            for part in may_pay:
                taken = min(paid, rest[part])
                rest[part] -= taken
                paid -= taken
        return AccountDecision(found, tuple(self._paid.items()), personal, self._spent)

    def _pay(self, origin: str, amount: Fen) -> Fen:
        """Pay so much with the parts of one origin, as given; what they had of it."""
        rest = amount
        for i, part in enumerate(self._parts):
            if rest and part.origin == origin and self._left[i] > 0:
                paid = min(rest, self._left[i])
                self._left[i] -= paid
                self._paid[part.key] = self._paid.get(part.key, 0) + paid
                rest -= paid
        return amount - rest
