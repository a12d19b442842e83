"""An insured person under a packaged law: bills in yuan, the counters move with each of them."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal

import pytest

from tests.policy.builders import packaged_laws
from yibao.adjudication.allowance import allowance
from yibao.adjudication.benefit import benefit
from yibao.adjudication.model import Bill, CounterKey, Person, Provider, Statement, Sums
from yibao.kernel.areas import Division
from yibao.kernel.money import Fen
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.terms import (
    CareKind,
    Filing,
    IdentityKind,
    Level,
    PersonType,
    Place,
    Scheme,
)

BOOK = packaged_laws()

Yuan = int | str


def fen(yuan: Yuan) -> Fen:
    """Yuan as fen."""
    exact = Decimal(yuan) * 100
    assert exact == int(exact)
    return int(exact)


def yuan(amount: Fen) -> str:
    """Fen as yuan text, without needless zeros: ``1300``, ``16126.67``."""
    text = f"{Decimal(amount) / 100:.2f}"
    return text.removesuffix(".00")


class Insured:
    """A member of a pool whose bills are settled one after the other."""

    def __init__(
        self,
        division: str,
        scheme: Scheme,
        person_type: str,
        *,
        born: date = date(1970, 1, 1),
        identities: tuple[str, ...] = (),
        traits: tuple[str, ...] = (),
    ) -> None:
        self.division = Division(division)
        self.scheme = scheme
        self.person = Person(
            PersonType(person_type),
            born,
            identities=tuple(IdentityKind(word) for word in identities),
            traits=traits,
        )
        self.counters: dict[CounterKey, int] = {}
        self.bills = 0

    def had(self, day: date, **counters: Yuan) -> None:
        """What stood on counters of the year before, in yuan, or in times for those of stays."""
        law = BOOK.law_on(self.division, self.scheme, day)
        for name, value in counters.items():
            counter = law.counters[name]
            assert not counter.by, "a counter of classes is fed by bills"
            amount = int(value) if counter.in_times else fen(value)
            self.counters[CounterKey(name, law.benefit_year(day))] = amount

    def settle(
        self,
        day: date,
        in_scope: Yuan = 0,
        *,
        level: Level = Level.THIRD,
        care_kind: str = "21",
        place: Place = Place.LOCAL,
        filing: Filing = Filing.NONE,
        own: Yuan = 0,
        disease: str | None = None,
        circumstances: tuple[str, ...] = (),
        buckets: Mapping[str, Yuan] | None = None,
    ) -> Statement:
        """Settle one bill, a visit of its own; ``buckets``: in-scope amounts beside the general."""
        self.bills += 1
        general = Sums(total=fen(in_scope) + fen(own), own=fen(own), in_scope=fen(in_scope))
        sums = {"general": general} if general.total else {}
        for bucket, amount in (buckets or {}).items():
            sums[bucket] = Sums(total=fen(amount), in_scope=fen(amount))
        bill = Bill(
            self.scheme,
            CareKind(care_kind),
            day,
            self.person,
            Provider(level),
            sums,
            disease=disease,
            visit=f"visit-{self.bills}",
            place=place,
            filing=filing,
            circumstances=circumstances,
        )
        law = BOOK.law_on(self.division, self.scheme, day)
        statement = benefit(bill, law, self.counters, [])
        for key, delta in statement.counters:
            self.counters[key] = self.counters.get(key, 0) + delta
        return statement


def paid(statement: Statement) -> dict[str, str]:
    """Who pays, in yuan, in their order: by the payer's key."""
    return {
        payment.payer.rpartition(".")[2]: yuan(payment.amount) for payment in statement.payments
    }


def lacking(settle: Callable[[], object]) -> str:
    """The parameter for whose lack a bill or claim is refused."""
    with pytest.raises(Refused) as raised:
        settle()
    assert raised.value.refusal.code is RefusalCode.PARAMETER_MISSING
    return str(raised.value.refusal.facts["parameter"])


def credit(insured: Insured, day: date, base: Yuan) -> str:
    """The monthly credit to the personal account for a base, in yuan."""
    law = BOOK.law_on(insured.division, insured.scheme, day)
    return yuan(allowance(law, "account_credit", fen(base), day, insured.person).amount)
