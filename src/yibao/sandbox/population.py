"""Invented insured persons, the same for the same seed and day.

Names say that they are artificial (测试甲〇〇〇一). Identity numbers look valid and have the right
check digit, but begin with 99: no division has such a code, so no human can have such a number.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from yibao.kernel.areas import Division, Pool
from yibao.kernel.identifiers import id_card_check_digit
from yibao.kernel.money import Fen
from yibao.kernel.periods import Period
from yibao.policy.terms import (
    EMPLOYEE,
    RESIDENT,
    EntitlementExtent,
    IdentityKind,
    PersonType,
    Scheme,
)
from yibao.registry.people.model import (
    Enrolment,
    Entitlement,
    NewMembership,
    NewPerson,
    SpecialIdentity,
)
from yibao.sandbox.places import BEIJING, CHANGSHA, PLACES, Place

CIVIL_SERVANTS = Scheme("320")
"""公务员医疗补助: a second enrolment beside 310."""

MINIMUM_LIVING = IdentityKind("2303")
EXTREMELY_POOR = IdentityKind("2304")
DISABLED = IdentityKind("2308")

IDENTITY_CARD = "01"
"""``psn_cert_type`` of a resident identity card."""

NAMED = 100
"""Numbers below it are kept for the named persons; those of the crowd alternate between areas."""

FAMILIES = 80
"""Numbers from here to ``NAMED`` are kept for families (家庭共济)."""

PERSONS_EACH = 10_000
"""Persons an area, the named ones apart."""

CARD_LIFE = Period(date(2020, 1, 1))
"""When social-security cards are good."""

_OWNER_CURRENT, _OWNER_CARRIED = 300_000, 150_000
"""Fen in the account of who pays for a family."""

_STEMS = "甲乙丙丁戊己庚辛壬癸子丑寅卯"
_DIGITS = "〇一二三四五六七八九"
_NAMES_A_STEM = 2_000


@dataclass(frozen=True, slots=True)
class AccountCredit:
    """What a personal account starts with."""

    year: int
    origin: str
    """``current`` or ``carried``."""
    amount: Fen


@dataclass(frozen=True, slots=True)
class Settler:
    """One invented human: what the registry and the ledger are told of them."""

    person: NewPerson
    credits: tuple[tuple[AccountCredit, ...], ...]
    """Of each membership, in order."""
    part: str = ""
    """What a named person is in the world for: ``moved``, ``two_schemes`` …; "" for the crowd."""


@dataclass(frozen=True, slots=True)
class _Stay:
    """A membership being made: a person's time in one pool."""

    pool: Pool
    period: Period
    enrolments: tuple[Enrolment, ...]
    entitlements: tuple[Entitlement, ...]
    credits: tuple[AccountCredit, ...] = ()


@dataclass(frozen=True, slots=True)
class _Group:
    """A share of the crowd: person type, ages, how many of 100."""

    person_type: PersonType
    scheme: Scheme
    youngest: int
    oldest: int
    share: int
    civil_servant: bool = False


_GROUPS = (
    _Group(PersonType("1101"), EMPLOYEE, 22, 59, 35),
    _Group(PersonType("1102"), EMPLOYEE, 24, 59, 3, civil_servant=True),
    _Group(PersonType("1103"), EMPLOYEE, 22, 59, 5),
    _Group(PersonType("1201"), EMPLOYEE, 60, 92, 15),
    _Group(PersonType("1202"), EMPLOYEE, 60, 92, 2, civil_servant=True),
    _Group(PersonType("1402"), RESIDENT, 3, 5, 6),
    _Group(PersonType("1403"), RESIDENT, 6, 17, 9),
    _Group(PersonType("1404"), RESIDENT, 18, 22, 3),
    _Group(PersonType("1501"), RESIDENT, 23, 59, 13),
    _Group(PersonType("1601"), RESIDENT, 60, 95, 9),
)
_ACTIVE, _CIVIL, _FLEXIBLE, _RETIRED = _GROUPS[:4]
_PUPIL, _ADULT, _ELDERLY = _GROUPS[6], _GROUPS[8], _GROUPS[9]


def population(seed: int, today: date, persons_each: int = PERSONS_EACH) -> Iterator[Settler]:
    """Everybody: the named persons first, then the crowd of the areas in turn."""
    maker = _Maker(Random(seed), today)  # noqa: S311 - plausible, not secret
    named = list(maker.named())
    assert len(named) <= FAMILIES
    yield from named
    yield from families(seed, today)
    maker.go_on_at(NAMED)
    for _ in range(persons_each):
        for place in PLACES:
            yield maker.crowd(place)


def families(seed: int, today: date) -> Iterator[Settler]:
    """In each area an employee with money in the account, a child and an old parent, in turn.

    Drawn apart from the others, who stay who they are.
    """
    maker = _Maker(Random(seed + 1), today)  # noqa: S311 - plausible, not secret
    maker.go_on_at(FAMILIES)
    for place in PLACES:
        yield from maker.family(place)


def artificial_name(index: int) -> str:
    """The name of the ``index``-th person."""
    stem, number = divmod(index, _NAMES_A_STEM)
    return f"测试{_STEMS[stem]}" + "".join(_DIGITS[int(digit)] for digit in f"{number:04d}")


def member_number(pool: Pool, index: int) -> str:
    """``psn_no`` of the ``index``-th person in a pool; 9 keeps off the numbers that are given."""
    return f"{pool}9{index:09d}"


def impossible_identity_number(index: int, birth_date: date, gender: str) -> str:
    """An 18-character number of no possible human: division 99xxxx, right check digit."""
    block, division = divmod(index, 10_000)
    sequence = block * 2 + (1 if gender == "1" else 2)
    first17 = f"99{division:04d}{birth_date:%Y%m%d}{sequence:03d}"
    return first17 + id_card_check_digit(first17)


def card_of(document_number: str) -> tuple[str, str]:
    """Number and identification code of the social-security card of who has such a number."""
    digits = f"{document_number[2:6]}{document_number[14:17]}"
    return f"SC{digits}", f"SN{digits}"


class _Maker:
    """Draws persons one after the other from one random source."""

    def __init__(self, random: Random, today: date) -> None:
        self._random = random
        self._today = today
        self._next = 0

    def go_on_at(self, index: int) -> None:
        """Number the next person ``index``."""
        self._next = index

    def named(self) -> Iterator[Settler]:
        """One person for each thing a developer wants to see."""
        year_start = date(self._today.year, 1, 1)
        moved_on = year_start + (self._today - year_start) / 2
        yield self._person(
            _ACTIVE,
            part="moved",
            stays=(
                self._stay(BEIJING, _ACTIVE, until=moved_on),
                self._stay(CHANGSHA, _ACTIVE, since=moved_on),
            ),
        )
        since = date(self._today.year - 1, 1, 1)
        both = self._stay(CHANGSHA, _ACTIVE, since=since)
        resident = self._stay(CHANGSHA, _ADULT, since=since)
        yield self._person(
            _ACTIVE,
            part="two_schemes",
            stays=(
                _Stay(
                    CHANGSHA.pool,
                    both.period,
                    both.enrolments + resident.enrolments,
                    both.entitlements + resident.entitlements,
                    both.credits,
                ),
            ),
        )
        for place in PLACES:
            yield self._person(_CIVIL, place, part="civil_servant")
            yield self._person(_RETIRED, place, part="retired")
            yield self._person(_PUPIL, place, part="pupil")
            yield self._person(
                _ELDERLY, place, part="minimum_living", special=(self._special(MINIMUM_LIVING),)
            )
            yield self._person(
                _ELDERLY,
                place,
                part="minimum_living_ended",
                special=(self._special(MINIMUM_LIVING, until=year_start),),
            )
            yield self._person(
                _ACTIVE,
                part="arrears",
                stays=(self._stay(place, _ACTIVE, extent=EntitlementExtent.ACCOUNT_ONLY),),
            )
            yield self._person(
                _FLEXIBLE,
                part="not_entitled",
                stays=(self._stay(place, _FLEXIBLE, extent=EntitlementExtent.NONE),),
            )

    def family(self, place: Place) -> Iterator[Settler]:
        """An owner whose account can pay, and two who have none."""
        owner = self._person(_ACTIVE, place, part="family_owner")
        year = self._today.year
        yield replace(
            owner,
            credits=(
                (
                    AccountCredit(year, "current", _OWNER_CURRENT),
                    AccountCredit(year - 1, "carried", _OWNER_CARRIED),
                ),
            ),
        )
        yield self._person(_PUPIL, place, part="family_child")
        yield self._person(_ELDERLY, place, part="family_parent")

    def crowd(self, place: Place) -> Settler:
        """One of the many."""
        draw = self._random
        group = draw.choices(_GROUPS, [group.share for group in _GROUPS])[0]
        extent = EntitlementExtent.FULL
        if group.scheme == EMPLOYEE and draw.random() < 0.03:
            extent = draw.choice((EntitlementExtent.ACCOUNT_ONLY, EntitlementExtent.NONE))
        special: tuple[SpecialIdentity, ...] = ()
        if group.scheme == RESIDENT and draw.random() < 0.05:
            kind = draw.choices((MINIMUM_LIVING, EXTREMELY_POOR, DISABLED), (6, 1, 3))[0]
            special = (self._special(kind),)
        return self._person(
            group,
            special=special,
            stays=(self._stay(place, group, extent=extent),),
        )

    def _person(
        self,
        group: _Group,
        place: Place | None = None,
        *,
        part: str = "",
        stays: tuple[_Stay, ...] = (),
        special: tuple[SpecialIdentity, ...] = (),
    ) -> Settler:
        draw, index = self._random, self._next
        self._next += 1
        gender = draw.choice("12")
        age = draw.randint(group.youngest, group.oldest)
        birthday = self._today - timedelta(days=365 * age + age // 4 + draw.randrange(1, 364))
        if place is not None:
            stays = (self._stay(place, group),)
        person = NewPerson(
            document_type=IDENTITY_CARD,
            document_number=impossible_identity_number(index, birthday, gender),
            name=artificial_name(index),
            gender=gender,
            birth_date=birthday,
            memberships=tuple(
                NewMembership(
                    pool=stay.pool,
                    period=stay.period,
                    enrolments=stay.enrolments,
                    number=member_number(stay.pool, index),
                    entitlements=stay.entitlements,
                )
                for stay in stays
            ),
            special_identities=special,
        )
        return Settler(person, tuple(stay.credits for stay in stays), part)

    def _stay(
        self,
        place: Place,
        group: _Group,
        *,
        since: date | None = None,
        until: date | None = None,
        extent: EntitlementExtent = EntitlementExtent.FULL,
    ) -> _Stay:
        draw, year = self._random, self._today.year
        years = draw.randint(1, min(4, group.youngest - 1))
        start = since or date(year - years, draw.randint(1, 12), 1)
        period = Period(start, until)
        division = draw.choices(
            [division for division, _ in place.divisions],
            [share for _, share in place.divisions],
        )[0]
        schemes = (group.scheme, CIVIL_SERVANTS) if group.civil_servant else (group.scheme,)
        return _Stay(
            pool=place.pool,
            period=period,
            enrolments=tuple(
                Enrolment(
                    scheme=scheme,
                    division=Division(division),
                    person_type=group.person_type,
                    period=period,
                    employer=self._employer(group),
                    civil_servant=group.civil_servant,
                )
                for scheme in schemes
            ),
            entitlements=tuple(
                Entitlement(scheme, extent, period, _REASONS[extent]) for scheme in schemes
            ),
            credits=self._credits(group, period) if group.scheme == EMPLOYEE else (),
        )

    def _employer(self, group: _Group) -> str | None:
        if group.scheme != EMPLOYEE or group.person_type == _FLEXIBLE.person_type:
            return None
        return f"演示单位{self._random.randint(1, 200):03d}"

    def _credits(self, group: _Group, period: Period) -> tuple[AccountCredit, ...]:
        """Credits of this year so far, and what is left of the years before."""
        draw, year = self._random, self._today.year
        if group.person_type.startswith("12"):
            monthly = draw.randint(8_000, 13_000)
        else:
            monthly = draw.randint(3_500, 25_000) * 2 // 100 * 100
        first = max(period.start, date(year, 1, 1))
        last = min(period.end or self._today, self._today)
        months = max(0, last.month - first.month + 1) if last.year == year else 0
        carried = draw.randint(0, 300_000) if period.start.year < year else 0
        if draw.random() < 0.15:
            carried = 0
        return (
            AccountCredit(year, "current", monthly * months),
            AccountCredit(year - 1, "carried", carried),
        )

    def _special(self, kind: IdentityKind, until: date | None = None) -> SpecialIdentity:
        start = date(self._today.year - self._random.randint(1, 3), 1, 1)
        return SpecialIdentity(kind, None, Period(start, until), "演示数据")


_REASONS = {
    EntitlementExtent.FULL: "正常缴费",
    EntitlementExtent.ACCOUNT_ONLY: "单位欠费，仅可使用个人账户",
    EntitlementExtent.NONE: "断缴后等待期",
}
