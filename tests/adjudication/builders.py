"""Builders of bills for adjudication tests; amounts in yuan where the name says so."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from tests.policy.builders import packaged_laws
from yibao.adjudication.benefit import decide
from yibao.adjudication.model import (
    AccountPart,
    Bill,
    CounterKey,
    Person,
    Provider,
    Statement,
    Sums,
)
from yibao.kernel.frozen import replace
from yibao.kernel.money import Fen, fen_from_yuan
from yibao.policy.model import Law
from yibao.policy.terms import (
    EMPLOYEE,
    GENERAL_OUTPATIENT,
    CareKind,
    EntitlementExtent,
    Level,
    PersonType,
    Scheme,
)

BOOK = packaged_laws()
DAY = date(2026, 3, 1)


def packaged(area: str, scheme: Scheme = EMPLOYEE) -> Law:
    """A packaged law."""
    return BOOK.law_on(area, scheme, DAY)


def bill_of(
    law: Law,
    in_scope: Fen = 0,
    *,
    own: Fen = 0,
    over_limit: Fen = 0,
    first_pay: Fen = 0,
    person_type: str = "1101",
    level: Level = Level.THIRD,
    day: date = DAY,
    care_kind: CareKind = GENERAL_OUTPATIENT,
    entitlement: EntitlementExtent = EntitlementExtent.FULL,
    is_pharmacy: bool = False,
    use_account: bool = True,
    visit: str | None = "visit-1",
) -> Bill:
    """A bill in fen; by default of an active person at a level-3 hospital."""
    total = own + over_limit + first_pay + in_scope
    return Bill(
        scheme=law.scheme,
        care_kind=care_kind,
        day=day,
        person=Person(PersonType(person_type), date(1970, 1, 1), entitlement=entitlement),
        provider=Provider(level, is_pharmacy),
        sums={"general": Sums(total, own, over_limit, first_pay, in_scope)},
        use_account=use_account,
        visit=visit,
    )


def stay_of(
    law: Law,
    yuan: int | str = 0,
    who: Mapping[str, Any] | None = None,
    *,
    own: int = 0,
    over_limit: int = 0,
    first_pay: int = 0,
    level: Level = Level.THIRD,
    is_pharmacy: bool = False,
    day: date = DAY,
    **facts: Any,
) -> Bill:
    """A bill of a stay in yuan, a visit of its own; ``who`` are facts of the person."""
    parts = [fen_from_yuan(amount) for amount in (own, over_limit, first_pay, yuan)]
    person = Person(PersonType("1101"), date(1970, 1, 1))
    bill = Bill(
        scheme=law.scheme,
        care_kind=CareKind("21"),
        day=day,
        person=replace(person, **who) if who else person,
        provider=Provider(level, is_pharmacy),
        sums={"general": Sums(sum(parts), *parts)},
    )
    return replace(bill, **facts) if facts else bill


def by_payer(statement: Statement) -> dict[str, Fen]:
    """What each payer pays, in fen, by its key."""
    return {p.payer.rpartition(".")[2]: p.amount for p in statement.payments}


class Member:
    """A member whose counters and account move with each settled bill."""

    def __init__(self, law: Law, account: Mapping[str, Fen] | None = None) -> None:
        self.law = law
        self.counters: dict[CounterKey, int] = {}
        self.account = dict(account or {})

    def parts(self) -> list[AccountPart]:
        """The account's parts; a part is named by its origin."""
        return [AccountPart(origin, origin, balance) for origin, balance in self.account.items()]

    def settle(self, bill: Bill) -> Statement:
        """Decide a bill and let it take effect."""
        statement = decide(bill, self.law, self.counters, self.parts()).statement
        self.post(statement, 1)
        return statement

    def cancel(self, statement: Statement) -> None:
        """Mirror a settled bill."""
        self.post(statement, -1)

    def post(self, statement: Statement, sign: int) -> None:
        """Enter a statement's signed facts."""
        for key, delta in statement.counters:
            self.counters[key] = self.counters.get(key, 0) + sign * delta
        for part, amount in statement.account:
            self.account[part] -= sign * amount

    def value(self, name: str) -> int:
        """What stands on a counter, over all instances."""
        return sum(value for key, value in self.counters.items() if key.name == name)
