"""People whom the open door lets in: whoever a message names or shows a voucher of.

Who they are is guessed from what the message says: birth and sex from the identity number, the
scheme from the age. A later message that knows better corrects the guess.
"""

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from yibao.gateway.dialects.model import Dialect
from yibao.gateway.envelope import Envelope
from yibao.gateway.reading import Input
from yibao.kernel.areas import Pool
from yibao.kernel.frozen import replace
from yibao.kernel.identifiers import id_card_check_digit
from yibao.kernel.periods import Period, age_on, business_date
from yibao.ledger import service as ledger
from yibao.ledger.model import Credit
from yibao.platform.clock import Clock
from yibao.platform.commands.model import Unit
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.policy.terms import EMPLOYEE, RESIDENT, Scheme
from yibao.registry.credentials import service as credentials
from yibao.registry.people import service as people
from yibao.registry.people.model import (
    Enrolment,
    Identity,
    Insured,
    NewMembership,
    NewPerson,
)
from yibao.registry.service import Reference
from yibao.sandbox.open_door import (
    DEFAULT,
    GUEST_WORK,
    SINCE,
    Home,
    InstitutionWelcome,
    Places,
    is_division,
    traits_needed,
)
from yibao.sandbox.people import person_type_of, retired_on
from yibao.settlement.model import UnknownItems

if TYPE_CHECKING:
    from asyncpg import Connection

IDENTITY_CARD = "01"
BY_IDENTITY_CARD, BY_CARD = "02", "03"
NAME_PREFIX = "访客"
"""Names of those whose name no message has told."""
INVENTED_PREFIX = "98"
"""Identity numbers that were made up here begin with it; no division does."""
BALANCE = 500_000
"""Fen that a guest's personal account starts with."""
CREDENTIAL_LIFE = timedelta(days=3650)
MOST_PEOPLE = 200
"""Guests of one message; a list of thousands is no person at the counter."""
LONGEST_NUMBER = 50

_SPELLINGS = {
    "psnNo": "psn_no",
    "mdtrtCertType": "mdtrt_cert_type",
    "mdtrtCertNo": "mdtrt_cert_no",
    "psnCertType": "psn_cert_type",
    "patnName": "psn_name",
    "psnName": "psn_name",
    "userName": "psn_name",
    "idNo": "certno",
    "cardSn": "card_sn",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Named:
    """One person as a row of a message names them; "" where it does not say."""

    member: str = ""
    document_type: str = ""
    document: str = ""
    voucher_type: str = ""
    """Of a card or a token; the identity card is a document."""
    voucher: str = ""
    serial: str = ""
    code: str = ""
    """A QR code's text."""
    name: str = ""
    scheme: str = ""


def named_in(read: Input) -> list[Named]:
    """Everybody whom a message names or shows a voucher of, each once."""
    found: dict[Named, None] = {}
    for row in _rows(read):
        named = _named(row)
        if named is not None:
            found[named] = None
    return list(found)[:MOST_PEOPLE]


def _rows(content: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(content, list):
        for one in content:
            yield from _rows(one)
    elif isinstance(content, dict):
        yield content
        for one in content.values():
            yield from _rows(one)


def _named(row: Mapping[str, Any]) -> Named | None:
    said = {
        _SPELLINGS.get(name, name): value.strip()
        for name, value in row.items()
        if isinstance(value, str) and value.strip()
    }
    kind = said.get("mdtrt_cert_type", "").zfill(2)
    voucher = said.get("mdtrt_cert_no", "")
    document = said.get("certno", "").upper()
    document_type = said.get("psn_cert_type", IDENTITY_CARD).zfill(2)
    if kind == BY_IDENTITY_CARD and voucher:
        document, document_type, voucher = voucher.upper(), IDENTITY_CARD, ""
    named = Named(
        member=said.get("psn_no", "")[:LONGEST_NUMBER],
        document_type=document_type if document else "",
        document=document,
        voucher_type=kind if voucher and "mdtrt_cert_type" in said else "",
        voucher=voucher if "mdtrt_cert_type" in said else "",
        serial=said.get("card_sn", ""),
        code=said.get("ecQrCode", ""),
        name=said.get("psn_name", ""),
        scheme=said.get("insutype", ""),
    )
    shows = named.member or named.document or named.voucher or named.code
    return named if shows else None


class OpenWelcome:
    """Lets institutions and people in, for a gateway."""

    def __init__(self, database: Database, places: Places, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._places = places
        self._vault = vault
        self._clock = clock
        self._institutions = InstitutionWelcome(database, places, clock)
        self._dialects: dict[str, Dialect] = {}

    def dialect(self, dialect: Dialect) -> Dialect:
        """The same, but an item that our few do not hold is charged, at own expense."""
        found = self._dialects.get(dialect.name)
        if found is None:
            practice = replace(dialect.practice, unknown_items=UnknownItems.OWN_EXPENSE)
            found = self._dialects[dialect.name] = dataclasses.replace(dialect, practice=practice)
        return found

    async def institution(self, envelope: Envelope) -> None:
        """Make the envelope's institution known, if it is not."""
        await self._institutions.welcome(envelope)

    async def people(self, envelope: Envelope, number: str, read: Input) -> Mapping[str, Pool]:  # noqa: ARG002 - whatever the transaction
        """Make the people known whom the input names or whose voucher it shows."""
        everybody = named_in(read)
        if is_division(envelope.insured_division):
            await self._places.home_of(envelope.insured_division)  # later checks look it up
        if not everybody:
            return {}
        institution = envelope.institution
        async with self._database.reader([institution]) as connection:
            strangers = [
                named
                for named in everybody
                if not await self._is_known(connection, institution, named)
            ]
        if strangers:
            await self._let_in(envelope, strangers)
        numbers = [named.member for named in everybody if named.member]
        async with self._database.reader([institution]) as connection:
            found = await people.find_by_numbers(connection, numbers)
        return {number: pool for number, (pool, _) in found.items() if not number.startswith(pool)}

    async def _let_in(self, envelope: Envelope, strangers: list[Named]) -> None:
        home = await self._home(envelope, strangers)
        async with self._database.alone(GUEST_WORK) as connection:
            numbers = await self._database.numbers()
            for named in strangers:
                # another process may have been faster: look again, now that it is our turn
                if not await self._is_known(connection, envelope.institution, named):
                    unit = Unit(home.pool, connection, self._clock.now(), numbers)
                    await self._admit(unit, envelope.institution, named, home)

    async def _home(self, envelope: Envelope, strangers: list[Named]) -> Home:
        """Where strangers belong: as the envelope says, as their numbers say, or where they are."""
        reference = await self._places.reference()
        said = (envelope.insured_division, *(named.member[:6] for named in strangers))
        for text in said:
            pools = reference.directory.pools
            if is_division(text) and (text == envelope.insured_division or Pool(text) in pools):
                return await self._places.home_of(text)
        institution = reference.directory.institution(envelope.institution)
        if institution is not None and is_division(institution.home_pool):
            return await self._places.home_of(institution.home_pool)
        return await self._places.home_of(DEFAULT.area)

    async def _is_known(
        self, connection: "Connection[Any]", institution: str, named: Named
    ) -> bool:
        """Whether all that a row says of a person is known to the platform already."""
        if named.member:
            found = await people.find_by_numbers(connection, [named.member])
            if named.member not in found:
                return False
            if named.document and await self._guess_is_wrong(connection, found, named):
                return False
        elif named.document:
            insured = await self._insured(connection, named)
            if not insured or _name_was_guessed(insured[0].identity, named):
                return False
        if named.voucher and not await self._holder_is_known(connection, institution, named):
            return False
        return not named.code or await credentials.code_is_known(
            connection, self._vault, named.code
        )

    async def _insured(self, connection: "Connection[Any]", named: Named) -> list[Insured]:
        return await people.find_by_document(
            connection, self._vault, named.document_type, named.document
        )

    async def _guess_is_wrong(
        self,
        connection: "Connection[Any]",
        found: Mapping[str, tuple[Pool, int]],
        named: Named,
    ) -> bool:
        """Whether a member's document or name was made up here, and now a real one is shown."""
        pool, _ = found[named.member]
        members = await people.load_members(connection, self._vault, pool, [named.member])
        identity = members[named.member].identity
        if identity.document_number == named.document:
            return _name_was_guessed(identity, named)
        return (
            identity.document_number.startswith(INVENTED_PREFIX)
            and identity.name.startswith(NAME_PREFIX)
            and not await self._insured(connection, named)
        )

    async def _holder_is_known(
        self, connection: "Connection[Any]", institution: str, named: Named
    ) -> bool:
        now = self._clock.now()
        if named.voucher_type == BY_CARD:
            serial = named.serial or None
            holder = await credentials.holder_of_card(
                connection, self._vault, named.voucher, serial, day=business_date(now)
            )
        else:
            holder = await credentials.holder_of_token(
                connection, self._vault, institution, named.voucher, now=now
            )
        return holder is not None

    # ----------------------------------------------------------------------------------- letting in

    async def _admit(self, unit: Unit, institution: str, named: Named, home: Home) -> None:
        identity = await self._identity_of(unit, named, home)
        now, until = unit.now, unit.now + CREDENTIAL_LIFE
        connection = unit.connection
        if named.voucher and not await self._holder_is_known(connection, institution, named):
            if named.voucher_type == BY_CARD:
                # only some transactions tell a card's serial: the last one told is right
                if not await credentials.reissue_card(
                    connection, self._vault, named.voucher, named.serial, now=now
                ):
                    await credentials.issue_card(
                        connection,
                        self._vault,
                        identity,
                        named.voucher,
                        named.serial,
                        Period(SINCE),
                        now=now,
                    )
            else:
                await credentials.accept_token(
                    connection,
                    self._vault,
                    identity,
                    institution,
                    named.voucher,
                    now=now,
                    until=until,
                )
        if named.code and not await credentials.code_is_known(connection, self._vault, named.code):
            await credentials.accept_code(
                connection, self._vault, identity, named.code, now=now, until=until
            )

    async def _identity_of(self, unit: Unit, named: Named, home: Home) -> int:
        """The human behind a row: known by number or document, or new."""
        if named.member:
            found = await people.find_by_numbers(unit.connection, [named.member])
            if named.member in found:
                if named.document and await self._guess_is_wrong(unit.connection, found, named):
                    await self._correct(unit, found[named.member][1], named)
                return found[named.member][1]
        if named.voucher_type == BY_CARD and not named.member and not named.document:
            holder = await credentials.holder_of_card(
                unit.connection, self._vault, named.voucher, None, day=unit.day
            )
            if holder is not None:
                return holder.identity
        if not named.member:
            # a voucher that was shown elsewhere made the same guess of a document there
            guess = guess_of(named, unit.day)
            members = await people.find_by_document(
                unit.connection, self._vault, guess.document_type, guess.document_number
            )
            if members:
                identity = members[0].identity
                if named.document and _name_was_guessed(identity, named):
                    await self._correct(unit, identity.id, named)
                return identity.id
        return await self._newcomer(unit, named, home)

    async def _correct(self, unit: Unit, identity: int, named: Named) -> None:
        guess = guess_of(named, unit.day)
        await people.correct_document(
            unit.connection,
            self._vault,
            identity,
            document_type=guess.document_type,
            document_number=guess.document_number,
            name=guess.name,
            gender=guess.gender,
            birth_date=guess.birth_date,
            now=unit.now,
        )

    async def _newcomer(self, unit: Unit, named: Named, home: Home) -> int:
        if named.member and named.document and await self._insured(unit.connection, named):
            # the document is somebody's who has another number here: this is one more of theirs
            named = Named(member=named.member, name=named.name, scheme=named.scheme)
        reference = await self._places.reference_in(unit.connection)
        person = newcomer(named, home, unit.day, reference)
        [admitted] = await people.admit(unit.connection, self._vault, [person], now=unit.now)
        [membership] = admitted.memberships
        [enrolment] = person.memberships[0].enrolments
        if enrolment.scheme == EMPLOYEE:
            credit = Credit(membership.number, enrolment.scheme, unit.day.year, "current", BALANCE)
            await ledger.credit(unit, [credit])
        return admitted.identity


# ------------------------------------------------------------------------------------------ guesses


@dataclasses.dataclass(frozen=True, slots=True)
class Guess:
    """Who somebody probably is."""

    document_type: str
    document_number: str
    name: str
    gender: str
    birth_date: date


def _name_was_guessed(identity: Identity, named: Named) -> bool:
    """Whether nobody had told a guest's name, and now a message does."""
    return identity.name.startswith(NAME_PREFIX) and named.name not in ("", identity.name)


def guess_of(named: Named, today: date) -> Guess:
    """Who a row's person probably is; the same row gives the same guess."""
    shown = named.document or named.member or named.voucher or named.code
    seed = int.from_bytes(hashlib.sha256(shown.encode()).digest()[:8], "big")
    told = birth_and_gender(named.document, today) if named.document else None
    birth_date, gender = told or (
        date(today.year - 25 - seed % 30, 1 + seed // 30 % 12, 1 + seed // 360 % 28),
        str(1 + seed % 2),
    )
    number = named.document or _invented_number(seed, birth_date, gender)
    return Guess(
        document_type=named.document_type or IDENTITY_CARD,
        document_number=number,
        name=named.name or f"{NAME_PREFIX}{shown[-4:]}",
        gender=gender,
        birth_date=birth_date,
    )


def birth_and_gender(number: str, today: date) -> tuple[date, str] | None:
    """What an identity number of 18 or 15 characters says; None when it is none."""
    if len(number) == 18 and number[:17].isdigit():
        digits, order = number[6:14], number[16]
    elif len(number) == 15 and number.isdigit():
        digits, order = f"19{number[6:12]}", number[14]
    else:
        return None
    try:
        born = datetime.strptime(digits, "%Y%m%d").date()  # noqa: DTZ007 - a civil date
    except ValueError:
        return None
    if not date(1900, 1, 1) <= born <= today:
        return None
    return born, "1" if int(order) % 2 else "2"


def _invented_number(seed: int, birth_date: date, gender: str) -> str:
    sequence = seed // 10_000 % 499 * 2 + (1 if gender == "1" else 2)
    first17 = f"{INVENTED_PREFIX}{seed % 10_000:04d}{birth_date:%Y%m%d}{sequence:03d}"
    return first17 + id_card_check_digit(first17)


def newcomer(named: Named, home: Home, today: date, reference: Reference) -> NewPerson:
    """A guest to be admitted: enrolled by age, or in the scheme that the message names."""
    guess = guess_of(named, today)
    age = age_on(guess.birth_date, today)
    scheme = RESIDENT if age < 18 else EMPLOYEE
    if named.scheme in (EMPLOYEE, RESIDENT):
        scheme = Scheme(named.scheme)
    period = Period(max(SINCE, guess.birth_date))
    person_type = person_type_of(scheme, age)
    enrolment = Enrolment(
        scheme=scheme,
        division=home.insured,
        person_type=person_type,
        retired_on=retired_on(person_type, guess.birth_date, today),
        period=period,
        employer="访客单位" if scheme == EMPLOYEE else None,
    )
    return NewPerson(
        document_type=guess.document_type,
        document_number=guess.document_number,
        name=guess.name,
        gender=guess.gender,
        birth_date=guess.birth_date,
        memberships=(
            NewMembership(
                pool=home.pool,
                period=period,
                enrolments=(enrolment,),
                number=named.member or None,
                foreign=True,
                traits=traits_needed(reference, home.insured, scheme, period),
            ),
        ),
    )
