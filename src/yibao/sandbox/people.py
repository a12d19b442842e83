"""Make a person of any kind for a developer who needs exactly that one."""

import secrets
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from yibao.kernel.money import fen_from_yuan
from yibao.kernel.periods import Period, business_date
from yibao.kernel.refusals import Refused
from yibao.ledger import service as ledger
from yibao.ledger.model import Credit
from yibao.platform.clock import Clock
from yibao.platform.commands.model import Unit
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.policy.terms import (
    EMPLOYEE,
    RESIDENT,
    EntitlementExtent,
    IdentityKind,
    PersonType,
    Scheme,
)
from yibao.registry.credentials import service as credentials
from yibao.registry.people import service as people
from yibao.registry.people.model import (
    RETIRED,
    Enrolment,
    Entitlement,
    NewMembership,
    NewPerson,
    SpecialIdentity,
)
from yibao.registry.service import Reference
from yibao.sandbox.open_door import DEFAULT, Home, Places, is_division, traits_needed
from yibao.sandbox.population import CARD_LIFE, IDENTITY_CARD, impossible_identity_number
from yibao.web.model import PersonWish, ToolRefused

if TYPE_CHECKING:
    from asyncpg import Connection

FIRST_MADE, INDEXES = 1_000_000, 3_900_000
"""Indexes of identity numbers: lower ones belong to the world that was filled."""
OLDEST = 120
CODE_LIFE = timedelta(days=1)
"""A real code lasts a minute; nobody tries out software that fast."""

_RETIREMENT_AGE = 60
_AGES: Mapping[Scheme, tuple[tuple[int, str], ...]] = {
    EMPLOYEE: ((_RETIREMENT_AGE, "1201"), (0, "1101")),
    RESIDENT: ((60, "1601"), (23, "1501"), (18, "1404"), (6, "1403"), (0, "1402")),
}
"""Person types by the age they begin at, oldest first."""


def person_type_of(scheme: Scheme, age: int) -> PersonType:
    """The usual person type (``psn_type``) of somebody of an age in a scheme."""
    return PersonType(next(kind for begin, kind in _AGES[scheme] if age >= begin))


def retired_on(person_type: PersonType, born: date, today: date) -> date | None:
    """The day a retired employee retired, for the laws that turn on it: at sixty, or today."""
    if not person_type.startswith(RETIRED):
        return None
    return min(today, date(born.year + _RETIREMENT_AGE, born.month, min(born.day, 28)))


class PersonMaker:
    """Makes people to a developer's wish."""

    def __init__(self, database: Database, vault: Vault, places: Places, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._places = places
        self._clock = clock

    async def make(self, wish: PersonWish) -> Mapping[str, Any]:
        """A new insured person with identity card, social-security card and a QR code to show."""
        now = self._clock.now()
        today = business_date(now)
        _check(wish, today)
        if wish.division and not is_division(wish.division):
            raise ToolRefused("division has six digits", "参保地区划应为6位数字")
        home = await self._places.home_of(wish.division or DEFAULT.area)
        reference = await self._places.reference()
        try:
            async with self._database.writer() as connection, connection.transaction():
                index = FIRST_MADE + secrets.randbelow(INDEXES)
                person = _person(wish, home, today, index, reference)
                [admitted] = await people.admit(connection, self._vault, [person], now=now)
                [membership] = admitted.memberships
                [enrolment] = person.memberships[0].enrolments
                unit = Unit(home.pool, connection, now, await self._database.numbers())
                balance = _fen(wish.balance) if enrolment.scheme == EMPLOYEE else 0
                if balance:
                    credit = Credit(
                        membership.number, enrolment.scheme, today.year, "current", balance
                    )
                    await ledger.credit(unit, [credit])
                if wish.died_on is not None:
                    await people.record_death(connection, admitted.identity, wish.died_on, now=now)
                vouchers = await self._vouchers(connection, admitted.identity, now)
        except Refused as refused:
            raise ToolRefused(refused.refusal.message) from None
        return {
            "psn_no": membership.number,
            "psn_name": person.name,
            "certno": person.document_number,
            "gend": person.gender,
            "brdy": person.birth_date.isoformat(),
            "insutype": enrolment.scheme,
            "psn_type": enrolment.person_type,
            "insuplc_admdvs": enrolment.division,
            "pool": home.pool,
            **vouchers,
        }

    async def show_vouchers(self, document_number: str) -> Mapping[str, Any]:
        """A fresh QR code and card of the person with an identity card. Raises ToolRefused."""
        now = self._clock.now()
        async with self._database.writer() as connection, connection.transaction():
            found = await people.find_by_document(
                connection, self._vault, IDENTITY_CARD, document_number.strip().upper()
            )
            if not found:
                raise ToolRefused(
                    f"nobody has the identity card {document_number}",
                    f"没有证件号码为{document_number}的人员",
                )
            identity = found[0].identity
            shown = await self._vouchers(connection, identity.id, now)
        return {"psn_name": identity.name, "certno": identity.document_number, **shown}

    async def _vouchers(
        self, connection: "Connection[Any]", identity: int, now: datetime
    ) -> Mapping[str, str]:
        card, serial = (f"{letters}{secrets.randbelow(10**12):012d}" for letters in ("SC", "SN"))
        await credentials.issue_card(
            connection, self._vault, identity, card, serial, CARD_LIFE, now=now
        )
        code = f"QR{secrets.token_hex(8)}"
        await credentials.accept_code(
            connection, self._vault, identity, code, now=now, until=now + CODE_LIFE
        )
        return {"ecQrCode": code, "card_no": card, "card_sn": serial}


def _check(wish: PersonWish, today: date) -> None:
    if not 0 <= wish.age <= OLDEST:
        raise ToolRefused(f"age lies in 0..{OLDEST}", f"年龄应在0至{OLDEST}之间")
    if wish.gender not in ("1", "2"):
        raise ToolRefused("gender is 1 or 2", "性别应为1或2")
    if wish.scheme not in ("", EMPLOYEE, RESIDENT):
        raise ToolRefused(f"scheme is {EMPLOYEE} or {RESIDENT}", f"险种应为{EMPLOYEE}或{RESIDENT}")
    if wish.extent not in set(EntitlementExtent):
        raise ToolRefused(
            f"extent is one of {', '.join(EntitlementExtent)}",
            f"待遇范围应为{'、'.join(EntitlementExtent)}之一",
        )
    for name, chinese in (("person_type", "人员类别"), ("special_identity", "特殊身份")):
        code = getattr(wish, name)
        if code and not (code.isascii() and code.isdigit() and len(code) <= 6):
            raise ToolRefused(f"{name} has up to six digits", f"{chinese}应为最多6位数字")
    if len(wish.document_number) > 50 or len(wish.name) > 50:
        raise ToolRefused(
            "document_number and name have up to 50 characters", "证件号码和姓名不得超过50个字符"
        )
    if wish.died_on is not None and not 0 <= (today - wish.died_on).days <= 365 * wish.age:
        raise ToolRefused(
            "died_on lies between the birth and today", "死亡日期应在出生之后，且不晚于今天"
        )
    _fen(wish.balance)


def _fen(text: str) -> int:
    try:
        amount = fen_from_yuan(text)
    except ValueError as fault:
        raise ToolRefused(f"balance: {fault}", "余额应为最多两位小数的金额") from None
    if not 0 <= amount <= 10**10:
        raise ToolRefused("balance lies in 0..100000000.00", "余额应在0至100000000.00之间")
    return amount


def _person(
    wish: PersonWish, home: Home, today: date, index: int, reference: Reference
) -> NewPerson:
    # born in the middle of the year of life, so that the age holds for months
    born = today - timedelta(days=365 * wish.age + wish.age // 4 + 180 * (wish.age > 0))
    scheme = Scheme(wish.scheme) if wish.scheme else RESIDENT if wish.age < 18 else EMPLOYEE
    period = Period(max(date(today.year - 3, 1, 1), born))
    extent = EntitlementExtent(wish.extent)
    person_type = (
        PersonType(wish.person_type) if wish.person_type else person_type_of(scheme, wish.age)
    )
    special: tuple[SpecialIdentity, ...] = ()
    if wish.special_identity:
        special = (SpecialIdentity(IdentityKind(wish.special_identity), None, period, "演示数据"),)
    return NewPerson(
        document_type=IDENTITY_CARD,
        document_number=(
            wish.document_number or impossible_identity_number(index, born, wish.gender)
        ),
        name=wish.name or f"测试新{index}",
        gender=wish.gender,
        birth_date=born,
        memberships=(
            NewMembership(
                pool=home.pool,
                period=period,
                enrolments=(
                    Enrolment(
                        scheme=scheme,
                        division=home.insured,
                        person_type=person_type,
                        retired_on=retired_on(person_type, born, today),
                        period=period,
                        employer="演示单位001" if scheme == EMPLOYEE else None,
                    ),
                ),
                entitlements=(Entitlement(scheme, extent, period, "演示数据"),),
                traits=traits_needed(reference, home.insured, scheme, period),
            ),
        ),
        special_identities=special,
    )
