"""Who is there before the first bill: a sandbox's world as of a past day, and a crowd beside it.

All persons are invented. The crowd's identity numbers begin with 98: no division has such a code.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import islice

from yibao.kernel.areas import Division, Pool
from yibao.kernel.identifiers import id_card_check_digit
from yibao.kernel.periods import Period
from yibao.ledger import service as ledger
from yibao.ledger.model import Credit
from yibao.platform.commands.model import Unit
from yibao.platform.crypto import Vault, load_key
from yibao.platform.database import Database
from yibao.platform.settings import Settings
from yibao.policy.load import load_law_book
from yibao.policy.terms import EMPLOYEE, RESIDENT, PersonType
from yibao.registry.laws.service import keep
from yibao.registry.people import service as people
from yibao.registry.people.model import Admitted, Enrolment, NewMembership, NewPerson
from yibao.sandbox.playground import seed_folder
from yibao.sandbox.store.seed import keep_seed
from yibao.sandbox.world import fill

ALWAYS = Period(date(2020, 1, 1))
"""When the crowd is insured."""
CREDIT = 300_000
"""Fen that each employee's personal account begins with."""

_EMPLOYEES_OF_TEN = 6
_BIRTHS = 20_000
"""Days over which births are spread."""
_AT_ONCE = 2_000


async def found(database: Database, settings: Settings, first: datetime) -> None:
    """The sandbox's world as of ``first``, with the texts of its laws; its seed is kept."""
    await fill(database, Vault(load_key(settings)), first)
    async with database.writer() as connection:
        await keep(connection, list(load_law_book(settings.law).laws.values()), now=first)
    await keep_seed(database, seed_folder(settings))


async def settle_crowd(unit: Unit, vault: Vault, division: Division, count: int) -> None:
    """Admit so many persons to the unit's pool and credit the accounts of the employees."""
    arriving = crowd(unit.pool, division, count)
    while portion := list(islice(arriving, _AT_ONCE)):
        admitted = await people.admit(unit.connection, vault, portion, now=unit.now)
        await ledger.credit(unit, list(_credits(portion, admitted, unit.day.year)))


def crowd(pool: Pool, division: Division, count: int) -> Iterator[NewPerson]:
    """So many invented persons insured in a pool: six of ten employees, the others residents."""
    for index in range(count):
        of_employees = index % 10 < _EMPLOYEES_OF_TEN
        scheme, kind = (EMPLOYEE, "1101") if of_employees else (RESIDENT, "1501")
        born = date(1945, 1, 1) + timedelta(days=index % _BIRTHS)
        enrolled = Enrolment(scheme, division, PersonType(kind), ALWAYS)
        yield NewPerson(
            "01",
            _document(pool, index // _BIRTHS, born),
            f"人造{pool}号{index}",
            "1",
            born,
            (NewMembership(pool, ALWAYS, (enrolled,)),),
        )


def _document(pool: Pool, serial: int, born: date) -> str:
    first17 = f"98{pool[:4]}{born:%Y%m%d}{serial * 2 + 1:03d}"
    return first17 + id_card_check_digit(first17)


def _credits(
    portion: Sequence[NewPerson], admitted: Sequence[Admitted], year: int
) -> Iterator[Credit]:
    for person, one in zip(portion, admitted, strict=True):
        scheme = person.memberships[0].enrolments[0].scheme
        if scheme == EMPLOYEE:
            yield Credit(one.memberships[0].number, scheme, year, "current", CREDIT)
