"""What personal accounts (个人账户) pay, part by part, as the law orders them: first the person's
own, then those of relatives who agreed to pay (家庭共济)."""

from collections.abc import Mapping, Sequence

from yibao.adjudication.model import AccountPart, FamilyAccount
from yibao.adjudication.plan import FoundAccount, FoundFamily
from yibao.kernel.frozen import Frozen
from yibao.kernel.money import Fen
from yibao.policy.purses import PersonalPart


class AccountDecision(Frozen):
    """The account's payments by part, and what it had to pay of."""

    found: FoundAccount
    paid: tuple[tuple[str, Fen], ...]
    personal: Mapping[PersonalPart, Fen]
    """The person's part as the rules tell it apart."""
    spent_first: Fen
    """Of what was paid: before the deductible."""
    rest: Mapping[PersonalPart, Fen]
    """What it left of the person's part."""

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
        for origin, may_pay in found.order:
            if origin in self._origins:
                paid = self._pay(origin, sum([rest[part] for part in may_pay]))
                _take(paid, may_pay, rest)
        return AccountDecision(found, tuple(self._paid.items()), personal, self._spent, rest)

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


class FamilyDecision(Frozen):
    """What relatives' accounts paid, by part, and what they had to pay of."""

    found: FoundFamily
    paid: tuple[tuple[str, Fen], ...]
    payable: Fen
    """What they might have paid at most."""


def family_pays(
    found: FoundFamily, accounts: Sequence[FamilyAccount], left: Mapping[PersonalPart, Fen]
) -> FamilyDecision:
    """Pay of what is left to the person: account by account, each up to its limit."""
    rest = dict(left)
    payable = sum([rest[part] for part in {p for _, may_pay in found.order for p in may_pay}])
    paid: dict[str, Fen] = {}
    for account in accounts:
        limit = payable if account.limit is None else account.limit
        for origin, may_pay in found.order:
            for part in account.parts:
                wanted = min(limit, part.available, sum([rest[p] for p in may_pay]))
                if part.origin == origin and wanted > 0:
                    paid[part.key] = paid.get(part.key, 0) + wanted
                    limit -= wanted
                    _take(wanted, may_pay, rest)
    return FamilyDecision(found, tuple(paid.items()), payable)


def _take(paid: Fen, may_pay: Sequence[PersonalPart], rest: dict[PersonalPart, Fen]) -> None:
    """Take what was paid from the parts of the person's share, in their order."""
    for part in may_pay:
        taken = min(paid, rest[part])
        rest[part] -= taken
        paid -= taken
