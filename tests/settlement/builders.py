"""A small town to settle in: one pool, a few institutions, items and people, and the room over it.

Laws are the packaged ones of Beijing; the catalogue holds a handful of items made for these tests.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources
from itertools import count
from typing import Any

from yibao.adjudication.model import Sums
from yibao.kernel.areas import Division, Pool
from yibao.kernel.frozen import replace
from yibao.kernel.identifiers import NumberSource, PoolKey
from yibao.kernel.money import Fen, fen_from_yuan, scaled
from yibao.kernel.periods import Period
from yibao.kernel.refusals import Refusal
from yibao.ledger import service as ledger
from yibao.ledger.model import Credit
from yibao.ledger.verification.model import Findings
from yibao.platform.clock import SettableClock
from yibao.platform.commands.model import Command, Done, MessageKey, Outcome, Unit
from yibao.platform.commands.service import Commands
from yibao.platform.commands.shared_reads import SharedReads
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.policy.law_book import LawBook
from yibao.policy.load import law_book_of
from yibao.policy.terms import CareKind, Level, PersonType, Scheme
from yibao.registry.institutions import service as institutions
from yibao.registry.institutions.model import Institution, InstitutionKind, InstitutionTerm
from yibao.registry.laws import service as laws
from yibao.registry.people import service as people
from yibao.registry.people.model import Enrolment, NewMembership, NewPerson
from yibao.registry.service import ReferenceCache
from yibao.settlement.books import service as books
from yibao.settlement.model import (
    Admit,
    CancelAdmission,
    CancelRegistration,
    CancelSettlement,
    ChangeAdmission,
    DescribeVisit,
    Diagnosis,
    Discharge,
    FeeLine,
    LineFacts,
    Purchase,
    RegisterVisit,
    ReopenStay,
    Reverse,
    Settle,
    SettlementFacts,
    UploadFees,
    VisitFacts,
    WithdrawFees,
    WithdrawLines,
)
from yibao.settlement.service import REQUESTS, SettlementRoom

POOL = Pool("110000")
BEIJING = Division("110000")
ALWAYS = Period(date(2020, 1, 1))
NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
EMPLOYEE = Scheme("310")
RESIDENT = Scheme("390")
TERTIARY, CLINIC, OTHER_TERTIARY, PHARMACY, SUSPENDED, FOREIGN = (
    "H11000000001",
    "H11000000002",
    "H11000000003",
    "P11000000004",
    "H11000000005",
    "H43010000001",
)
CLASS_A, CLASS_B, CLASS_C, LIMITED, CEILED, SERVICE = "XA01", "XB01", "XC01", "XL01", "XD01", "001S"
ITEM_ROWS = [
    # code, name, class, first pay, ceiling (yuan), restricted
    (CLASS_A, "甲类药", "01", 0, None, False),
    (CLASS_B, "乙类药", "02", 1000, None, False),
    (CLASS_C, "自费药", "03", 0, None, False),
    (LIMITED, "限用药", "01", 0, None, True),
    (CEILED, "限价药", "01", 0, "5", False),
    (SERVICE, "诊查费", "01", 0, None, False),
]


@cache
def laws_of_beijing() -> LawBook:
    """The packaged laws of Beijing alone: read once, and no other area can break these tests."""
    folder = resources.files("yibao.policy") / "data" / "110000"
    return law_book_of(
        {f"110000/{file.name}": file.read_text("utf-8") for file in folder.iterdir()}
    )


async def lay_out(database: Database, vault: Vault, now: datetime) -> None:
    """Found the pool, designate the institutions, list the items."""
    async with database.writer() as connection, connection.transaction():
        await institutions.found_pool(connection, POOL, "北京", now=now)
        await institutions.found_pool(connection, Pool("430100"), "长沙", now=now)
        await institutions.designate(
            connection,
            [
                _institution(TERTIARY, Level.THIRD),
                _institution(CLINIC, Level.GRASS_ROOTS),
                _institution(OTHER_TERTIARY, Level.THIRD),
                _institution(PHARMACY, Level.GRASS_ROOTS, kind=InstitutionKind.PHARMACY),
                _institution(SUSPENDED, Level.SECOND, suspended=True),
                _institution(FOREIGN, Level.THIRD, pool=Pool("430100")),
            ],
            now=now,
        )
        for code, name, item_class, first_pay, ceiling, restricted in ITEM_ROWS:
            await list_item(connection, now, code, name)
            await set_terms(connection, now, code, item_class, first_pay, ceiling, restricted)
        await connection.execute(
            "INSERT INTO registry.diagnosis (code, name, recorded_at)"
            " VALUES ('J06.900', '感冒', $1)",
            now,
        )
        await connection.execute("UPDATE registry.version SET number = number + 1")


async def list_item(connection: Any, now: datetime, code: str, name: str) -> None:
    """List one item."""
    await connection.execute(
        """INSERT INTO registry.item (code, name, list_type, charge_type, reference_price,
                                      demo_price, demo_class, recorded_at)
           VALUES ($1, $2, '101', '09', 1000000, true, true, $3)""",
        code,
        name,
        now,
    )


async def set_terms(
    connection: Any,
    now: datetime,
    code: str,
    item_class: str,
    first_pay: int,
    ceiling: str | None = None,
    restricted: bool = False,
) -> None:
    """Give an item its terms everywhere, superseding what it had."""
    await connection.execute(
        "UPDATE registry.item_terms SET superseded_at = $2 WHERE item = $1", code, now
    )
    await connection.execute(
        """INSERT INTO registry.item_terms (item, item_class, first_pay, ceiling, restricted,
                bucket, demo_class, demo_terms, valid_from, recorded_at)
           VALUES ($1, $2, $3, $4, $5, 'general', true, true, '2020-01-01', $6)""",
        code,
        item_class,
        first_pay,
        None if ceiling is None else scaled(ceiling, 6),
        restricted,
        now,
    )


def _institution(
    code: str,
    level: Level,
    *,
    kind: InstitutionKind = InstitutionKind.HOSPITAL,
    pool: Pool = POOL,
    suspended: bool = False,
) -> Institution:
    area = Division(pool)
    term = InstitutionTerm(ALWAYS, f"机构{code}", level, "02", area, area, "C1", suspended)
    return Institution(code, kind, pool, (term,))


@dataclass
class Town:
    """The room with its commands, and short words for what a hospital does."""

    database: Database
    vault: Vault
    clock: SettableClock
    numbers: NumberSource
    room: SettlementRoom
    commands: Commands
    trials: SharedReads[Settle | Purchase, SettlementFacts]
    documents: dict[str, str] = field(default_factory=dict)
    """Identity-card numbers by member."""
    _messages: "count[int]" = field(default_factory=lambda: count(1))
    _people: "count[int]" = field(default_factory=lambda: count(1))

    # ----------------------------------------------------------------------------------- people

    async def insure(
        self,
        person_type: str = "1101",
        scheme: Scheme = EMPLOYEE,
        *,
        account: str = "0",
        carried: str = "0",
        birth: date = date(1980, 1, 1),
        period: Period = ALWAYS,
    ) -> str:
        """Admit a person, credit the account, and return the member's number."""
        document = f"99010119800101{next(self._people):04d}"
        person = NewPerson(
            "01",
            document,
            "测试",
            "1",
            birth,
            (
                NewMembership(
                    POOL, period, (Enrolment(scheme, BEIJING, PersonType(person_type), period),)
                ),
            ),
        )
        async with self.database.writer() as connection, connection.transaction():
            (admitted,) = await people.admit(connection, self.vault, [person], now=self.clock.now())
            member = admitted.memberships[0].number
            unit = Unit(POOL, connection, self.clock.now(), self.numbers)
            credits_ = [
                Credit(member, scheme, 2026, "current", fen_from_yuan(account)),
                Credit(member, scheme, 2025, "carried", fen_from_yuan(carried)),
            ]
            await ledger.credit(unit, [c for c in credits_ if c.amount])
            self.documents[member] = document
        return member

    async def insure_twice(self) -> tuple[str, str]:
        """Admit one human to two pools at once; the member's number in each."""
        document = f"99010119800101{next(self._people):04d}"
        changsha = Enrolment(EMPLOYEE, Division("430100"), PersonType("1101"), ALWAYS)
        person = NewPerson(
            "01", document, "测试", "1", date(1980, 1, 1),
            (
                NewMembership(
                    POOL, ALWAYS, (Enrolment(EMPLOYEE, BEIJING, PersonType("1101"), ALWAYS),)
                ),
                NewMembership(Pool("430100"), ALWAYS, (changsha,)),
            ),
        )  # fmt: skip
        async with self.database.writer() as connection, connection.transaction():
            (admitted,) = await people.admit(connection, self.vault, [person], now=self.clock.now())
        here, there = (membership.number for membership in admitted.memberships)
        self.documents[here] = self.documents[there] = document
        return here, there

    # --------------------------------------------------------------------------------- messages

    def command(
        self, request: Any, *, message: str | None = None, transaction: str | None = None
    ) -> Command:
        """A command around a request, with a message id of its own."""
        message = message or f"{request.institution}{next(self._messages):018d}"
        if hasattr(request, "message_id"):
            request = replace(request, message_id=message)
        if isinstance(request, Settle) and not request.batch:
            transaction = transaction or "2304"
        key = MessageKey(request.institution, transaction or TRANSACTIONS[type(request)], message)
        content = replace(request, message_id="") if hasattr(request, "message_id") else request
        digest = hashlib.sha256(repr(content).encode()).digest()
        return Command(POOL, request.member, key, digest, request)

    async def send(
        self, request: Any, *, message: str | None = None, transaction: str | None = None
    ) -> Outcome:
        """Submit a request as a message."""
        command = self.command(request, message=message, transaction=transaction)
        return await self.commands.submit(command)

    async def do(
        self, request: Any, *, message: str | None = None, transaction: str | None = None
    ) -> Any:
        """Submit a request that must be done, and return its facts."""
        outcome = await self.send(request, message=message, transaction=transaction)
        assert isinstance(outcome, Done), outcome
        return outcome.result

    async def refused(self, request: Any, *, message: str | None = None) -> Refusal:
        """Submit a request that must be refused, and return the refusal."""
        outcome = await self.send(request, message=message)
        assert isinstance(outcome, Refusal), outcome
        return outcome

    # ----------------------------------------------------------------------------------- visits

    async def open_visit(
        self, member: str, institution: str = TERTIARY, scheme: Scheme = EMPLOYEE
    ) -> VisitFacts:
        """Register and describe a visit."""
        visit: VisitFacts = await self.do(self.registration(member, institution, scheme))
        await self.do(self.description(visit))
        return visit

    def registration(
        self, member: str, institution: str = TERTIARY, scheme: Scheme = EMPLOYEE
    ) -> RegisterVisit:
        """A registration for now."""
        return RegisterVisit(
            institution, member, scheme, self.clock.now(), "02",
            self.documents.get(member, "?"), "MZ1", "D1", "医师甲", "01", "内科", "0300",
        )  # fmt: skip

    def description(self, visit: VisitFacts, code: str = "J06.900") -> DescribeVisit:
        """What the visit was."""
        diagnosis = Diagnosis("1", 1, code, "感冒", "内科", "D1", "医师甲", visit.begin)
        return DescribeVisit(
            visit.institution, visit.member, visit.key, CareKind("11"), visit.begin, None, None,
            None, (diagnosis,), {},
        )  # fmt: skip

    def upload(self, visit: VisitFacts, *lines: FeeLine) -> UploadFees:
        """An upload of lines to the visit."""
        return UploadFees(visit.institution, visit.member, visit.key, lines)

    async def charge(
        self, visit: VisitFacts, amount: str, *, item: str = CLASS_A, batch: str = "B1"
    ) -> tuple[LineFacts, ...]:
        """Upload one line of an amount."""
        serial = f"{batch}-{next(self._messages)}"
        lines: tuple[LineFacts, ...] = await self.do(
            self.upload(visit, line(serial, amount, item=item, batch=batch, time=visit.begin))
        )
        return lines

    def settlement(
        self,
        visit: VisitFacts,
        total: str,
        *,
        batch: str = "B1",
        scheme: Scheme | None = None,
        use_account: bool = True,
        sums: Sums | None = None,
    ) -> Settle:
        """A request to settle a batch."""
        return Settle(
            visit.institution, visit.member, visit.key, batch, scheme or visit.scheme,
            CareKind("11"), fen_from_yuan(total), use_account, "01", "02", "", None, sums,
        )  # fmt: skip

    async def trial(self, request: Settle | Purchase) -> SettlementFacts:
        """Try a settlement or a purchase."""
        return await self.trials.ask(POOL, request)

    async def bill(
        self,
        member: str,
        amount: str,
        institution: str = TERTIARY,
        *,
        batch: str = "B1",
        scheme: Scheme = EMPLOYEE,
    ) -> SettlementFacts:
        """A whole visit with one line, settled."""
        visit = await self.open_visit(member, institution, scheme)
        await self.charge(visit, amount, batch=batch)
        settled: SettlementFacts = await self.do(self.settlement(visit, amount, batch=batch))
        return settled

    def cancellation(self, settled: SettlementFacts) -> CancelSettlement:
        """A request to cancel a settlement."""
        assert settled.key is not None
        return CancelSettlement(settled.institution, settled.member, settled.visit, settled.key, "")

    def reversal(self, settled: SettlementFacts, transaction: str = "2207") -> Reverse:
        """A reversal of the message that made a settlement (or cancellation)."""
        return Reverse(settled.institution, settled.member, transaction, settled.message_id, "")

    # ------------------------------------------------------------------------------------ stays

    def admission(
        self,
        member: str,
        institution: str = TERTIARY,
        scheme: Scheme = EMPLOYEE,
        *,
        begin: datetime | None = None,
    ) -> Admit:
        """An admission for now."""
        begin = begin or self.clock.now()
        return Admit(
            institution, member, scheme, CareKind("21"), begin, "02",
            self.documents.get(member, "?"), "ZY1", "D1", "医师甲", "01", "内科", "发热", None,
            None, (_cold(begin),), {"adm_bed": "8"},
        )  # fmt: skip

    async def admit(
        self,
        member: str,
        institution: str = TERTIARY,
        scheme: Scheme = EMPLOYEE,
        *,
        days_ago: int = 0,
    ) -> VisitFacts:
        """Admit a member, some days before now."""
        begin = self.clock.now() - timedelta(days=days_ago)
        stay: VisitFacts = await self.do(self.admission(member, institution, scheme, begin=begin))
        return stay

    def discharge(self, stay: VisitFacts, end: datetime | None = None, way: str = "1") -> Discharge:
        """A discharge for now."""
        end = end or self.clock.now()
        return Discharge(
            stay.institution, stay.member, stay.key, stay.scheme, end, None, None,
            (_cold(end),), way, None, {"dscg_way": way},
        )  # fmt: skip

    def stay_settlement(
        self, stay: VisitFacts, total: str, *, interim: bool = False, **more: Any
    ) -> Settle:
        """A request to settle what is open of a stay."""
        request = self.settlement(stay, total, batch="")
        return replace(request, care_kind=CareKind("21"), interim=interim, **more)

    async def stayed(
        self, member: str, amount: str, institution: str = TERTIARY, *, days: int = 5
    ) -> SettlementFacts:
        """A whole stay with one line, settled."""
        stay = await self.admit(member, institution, days_ago=days)
        await self.do(self.upload(stay, stay_line("1", amount, time=stay.begin)))
        await self.do(self.discharge(stay))
        settled: SettlementFacts = await self.do(self.stay_settlement(stay, amount))
        return settled

    # -------------------------------------------------------------------------------- purchases

    def purchase(self, member: str, *lines: FeeLine, total: str | None = None) -> Purchase:
        """A purchase at the pharmacy, for now."""
        lines = lines or (line("1", "30", batch=""),)
        amount = sum(one.amount for one in lines) if total is None else fen_from_yuan(total)
        return Purchase(
            PHARMACY, member, None, CareKind("41"), self.clock.now(), "02",
            self.documents.get(member, "?"), amount, True, lines, "",
        )  # fmt: skip

    # ------------------------------------------------------------------------------------ books

    async def balance(self, member: str) -> Fen:
        """The personal account's balance."""
        async with self.database.reader(None) as connection:
            parts = (await ledger.balances(connection, POOL, [member])).get(member, [])
        return sum(part.amount for part in parts)

    async def counters(self, member: str) -> dict[str, int]:
        """The member's counters that are not zero, by name."""
        async with self.database.reader(None) as connection:
            rows = await connection.fetch(
                "SELECT counter, scope, amount FROM settlement.accumulator"
                " WHERE member = $1 AND amount <> 0",
                member,
            )
        return {f"{row['counter']}@{row['scope']}": row["amount"] for row in rows}

    async def rows(self, table: str) -> int:
        """How many rows a table holds."""
        async with self.database.reader(None) as connection:
            number: int = await connection.fetchval(f"SELECT count(*) FROM {table}")
        return number

    async def faults(self) -> list[str]:
        """What is wrong with the books."""
        async with self.database.reader(None) as connection:
            faults = await ledger.verify(connection)
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                findings = Findings()
                await books.examine(connection, findings)
        return [*faults, *(str(fault) for fault in findings.faults)]


TRANSACTIONS: dict[type, str] = {
    RegisterVisit: "2201",
    CancelRegistration: "2202",
    DescribeVisit: "2203",
    UploadFees: "2204",
    WithdrawFees: "2205",
    Settle: "2207",
    CancelSettlement: "2208",
    Reverse: "2601",
    Admit: "2401",
    Discharge: "2402",
    ChangeAdmission: "2403",
    CancelAdmission: "2404",
    ReopenStay: "2405",
    WithdrawLines: "2302",
    Purchase: "2102",
}


async def found_town(database: Database, *, start: datetime = NOON) -> None:
    """Lay the town out, as it stands at the start; its laws are kept."""
    await lay_out(database, Vault(b"k" * 32), start - timedelta(days=1))
    async with database.writer() as connection:
        await laws.keep(connection, list(laws_of_beijing().laws.values()), now=start)


@asynccontextmanager
async def town_of(database: Database, *, start: datetime = NOON) -> AsyncIterator[Town]:
    """The room at work over a founded town."""
    vault = Vault(b"k" * 32)
    clock = SettableClock(start)
    room = SettlementRoom(ReferenceCache(vault, laws_of_beijing()), vault)
    numbers = await database.numbers()
    commands = Commands(database.writer, clock, numbers, dict.fromkeys(REQUESTS, room.handle))
    trials = SharedReads(database.writer, clock, room.try_settlements)
    yield Town(database, vault, clock, numbers, room, commands, trials)
    await commands.drain()


@asynccontextmanager
async def town(database: Database, *, start: datetime = NOON) -> AsyncIterator[Town]:
    """A town founded in a fresh database."""
    await found_town(database, start=start)
    async with town_of(database, start=start) as built:
        yield built


def line(
    serial: str,
    amount: str,
    *,
    item: str = CLASS_A,
    batch: str = "B1",
    quantity: str = "1",
    price: str | None = None,
    approval: str = "0",
    time: datetime = NOON,
) -> FeeLine:
    """A fee line; one unit at the amount unless said otherwise."""
    return FeeLine(
        serial, batch, item, f"H-{item}", fen_from_yuan(amount), scaled(price or amount, 6),
        scaled(quantity, 4), time, approval, {},
    )  # fmt: skip


def stay_line(serial: str, amount: str, **more: Any) -> FeeLine:
    """A fee line of a stay."""
    return line(serial, amount, **{"batch": "", **more})


def return_of(original: FeeLine, serial: str, quantity: str, amount: str) -> FeeLine:
    """A return of some of a line; quantity and amount as positive numbers."""
    return replace(
        original,
        serial=serial,
        quantity=-scaled(quantity, 4),
        amount=-fen_from_yuan(amount),
        returns=original.serial,
    )


def _cold(time: datetime) -> Diagnosis:
    return Diagnosis("1", 1, "J06.900", "感冒", "内科", "D1", "医师甲", time)


def key_of(settled: SettlementFacts) -> PoolKey:
    """The key of a settlement that was written."""
    assert settled.key is not None
    return settled.key


async def contents(town: Town) -> dict[str, Any]:
    """Everything that a request could change."""
    tables = ("visible_visit", "visible_batch", "visible_line", "visible_settlement", "accumulator")
    async with town.database.reader(None) as connection:
        found = {
            table: await connection.fetch(f"SELECT * FROM settlement.{table} ORDER BY 1, 2, 3")
            for table in tables
        }
        found["entry"] = await connection.fetch("SELECT * FROM ledger.entry ORDER BY 1, 2, 3")
    return found
