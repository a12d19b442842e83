"""Clerks at work in the middle of it all: credits, families, frozen accounts, corrections, keys.

They work as the command line does, on the database of the running server; what was interrupted is
done again under the same message ids until it is known to be done.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.world.chronicle import Chronicle
from tests.world.institution import Case, Institution
from tests.world.plan import Business, Errand
from tests.world.server import DATABASE_DOWN, Served
from yibao.bureau import service
from yibao.cli.clerking import Desk, open_desk
from yibao.kernel.identifiers import parse_pool_key
from yibao.kernel.money import PRICE_SCALE, line_amount, scaled, unscaled, yuan
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.service import OutcomeUnknown
from yibao.platform.database import Database
from yibao.platform.settings import load_settings
from yibao.policy.terms import EMPLOYEE
from yibao.sandbox.books import BillKey
from yibao.sandbox.desk import Patient
from yibao.sandbox.encounters import CHECKUP

Person = tuple[str, Patient]
"""The pool, and who it is."""

GIVES_UP_AFTER = 150.0
"""Seconds that an errand may take before it is begun again later."""

_DOWN = (*DATABASE_DOWN, OutcomeUnknown)
_FROZEN = 3.0


class Interrupted(Exception):  # noqa: N818 - a state
    """A command ended without having done all; it is run again later."""


class Bureau:
    """Two clerks, of whom one proposes and the other approves."""

    def __init__(
        self,
        served: Served,
        clerks: Sequence[Mapping[str, str]],
        people: Sequence[Person],
        institutions: Sequence[Institution],
        chronicle: Chronicle,
    ) -> None:
        self._served = served
        self._clerks = clerks
        self._people = people
        self._institutions = institutions
        self._chronicle = chronicle
        self._open: list[Errand] = []
        self._asked = 0
        self._links: list[tuple[str, int]] = []
        self._chosen: dict[int, Case | None] = {}
        self.cases: list[Case] = []
        """Bills that institutions are through with."""
        self.ends: Counter[str] = Counter()
        self._ways: dict[Business, Callable[[Errand], Awaitable[None]]] = {
            Business.CREDIT: self._credit,
            Business.LET_PAY: self._let_pay,
            Business.WITHDRAW: self._withdraw,
            Business.FREEZE: self._freeze,
            Business.CANCEL: self._cancel,
            Business.RESETTLE: self._resettle,
            Business.PAPER_BILL: self._paper_bill,
            Business.ROTATE: self._rotate,
        }

    async def work(self, errands: Sequence[Errand], began: float, until: float) -> None:
        """One errand after the other, each at its time."""
        for errand in errands:
            wait = began + errand.at - time.monotonic()
            if max(time.monotonic(), began + errand.at) > began + until:
                return
            await asyncio.sleep(max(0.0, wait))
            await self._try(errand)

    async def finish(self) -> None:
        """Bring what was interrupted to its end; nothing breaks any more."""
        for errand in list(self._open):
            self._open.remove(errand)
            await self._try(errand)
        for errand in self._open:
            self._chronicle.fault("bureau", f"errand {errand.number} {errand.what} never ended")

    async def _try(self, errand: Errand) -> None:
        told = f"errand {errand.number}"
        try:
            async with asyncio.timeout(GIVES_UP_AFTER):
                await self._ways[errand.what](errand)
        except Refused as refused:
            code = refused.refusal.code
            if code in (RefusalCode.BUSY, RefusalCode.FAILED):
                self._open.append(errand)
            told += f": refused {code} {refused.refusal.message}"
            self.ends[f"{errand.what} refused"] += 1
        except (*_DOWN, Interrupted) as error:
            self._open.append(errand)
            told += f": interrupted {error!r}"
            self.ends["interrupted"] += 1
        else:
            self.ends[str(errand.what)] += 1
        self._chronicle.broke(f"bureau {errand.what}", told)

    @asynccontextmanager
    async def at_desks(self) -> AsyncIterator[Callable[..., Awaitable[Mapping[str, Any]]]]:
        """A way to agree on one thing after the other while nothing breaks. Raises Refused."""
        async with self._desks() as desks:

            async def agreed(kind: str, **content: str) -> Mapping[str, Any]:
                self._asked += 1
                return await _agree(*desks, f"world asked {self._asked}", kind, content)

            yield agreed

    # --------------------------------------------------------------------------------- business

    async def _credit(self, errand: Errand) -> None:
        pool, _ = self._person(errand.person)
        month = f"{business_date(datetime.now(UTC)):%Y-%m}"
        await self._command("accounts", "credit", "--pool", pool, "--month", month)

    async def _let_pay(self, errand: Errand) -> None:
        insured = [person for person in self._people if person[1].scheme == EMPLOYEE]
        pool, owner = insured[errand.person % len(insured)]
        relatives = [one for its, one in self._people if its == pool and one != owner]
        result = await self._agreed(
            errand,
            "accounts.let_pay",
            pool=pool,
            owner=owner.number,
            relative=relatives[errand.other % len(relatives)].number,
            relation="child",
            owner_agreed="yes",
            consent="paper",
        )
        self._links.append((pool, result["link"]))

    async def _withdraw(self, errand: Errand) -> None:
        if self._links:
            pool, link = self._links[errand.other % len(self._links)]
            await self._agreed(errand, "accounts.withdraw", pool=pool, link=str(link))

    async def _freeze(self, errand: Errand) -> None:
        pool, person = self._person(errand.person)
        await self._agreed(errand, "accounts.freeze", pool=pool, member=person.number)
        await asyncio.sleep(_FROZEN)
        await self._agreed(errand, "accounts.release", pool=pool, member=person.number)

    async def _cancel(self, errand: Errand) -> None:
        if errand.number not in self._chosen:
            standing = [one for one in self.cases if one.left_standing is not None]
            case = standing[errand.other % len(standing)] if standing else None
            self._chosen[errand.number] = case
            if case is not None:
                self.cases.remove(case)
        case = self._chosen[errand.number]
        if case is None or case.left_standing is None:
            return
        key: BillKey = case.left_standing.key
        result = await self._agreed(errand, "corrections.cancel", settlement=key.settlement)
        mirror = str(result["cancellation"])
        case.institution.notebook.cancelled_by_bureau[key] = mirror

    async def _resettle(self, errand: Errand) -> None:
        async with self._database() as database, database.reader(None) as connection:
            flagged = await connection.fetch(
                """SELECT DISTINCT pool, member FROM settlement.visible_settlement
                   WHERE flagged ORDER BY 1, 2"""
            )
        if flagged:
            pool, member = flagged[errand.other % len(flagged)]
            await self._agreed(errand, "corrections.resettle", pool=pool, member=member)

    async def _paper_bill(self, errand: Errand) -> None:
        pool, person = self._person(errand.person)
        at = next(one for one in self._institutions if one.endpoint.division.startswith(pool[:2]))
        item = at.price_list[errand.other % len(at.price_list)]
        pieces = max(1, errand.fen // max(1, line_amount(item.price, scaled("1", 4))))
        amount = yuan(line_amount(item.price, scaled(str(pieces), 4)))
        day = business_date(datetime.now(UTC)) - timedelta(days=20 + errand.number)
        line = {
            "day": day.isoformat(),
            "item": item.code,
            "name": item.name,
            "quantity": str(pieces),
            "price": unscaled(item.price, PRICE_SCALE),
            "amount": amount,
        }
        await self._agreed(
            errand,
            "manual_claims.enter",
            pool=pool,
            member=person.number,
            scheme=person.scheme,
            care_kind="11",
            institution_name="演练外地医院",
            division=pool,
            first_day=day.isoformat(),
            invoice=f"P{errand.number:06d}",
            total=amount,
            diagnosis=CHECKUP.diagnosis,
            lines=json.dumps([line], ensure_ascii=False),
        )

    async def _rotate(self, _: Errand) -> None:
        await self._command("vault", "rotate")
        await asyncio.sleep(11)
        await self._command("vault", "reseal")

    # ---------------------------------------------------------------------------------- private

    def _person(self, number: int) -> Person:
        return self._people[number % len(self._people)]

    async def _agreed(self, errand: Errand, kind: str, **content: str) -> Mapping[str, Any]:
        """One proposes, the other approves; what carrying it out came to."""
        async with self._desks() as desks:
            return await _agree(*desks, f"world {errand.number} {kind}", kind, content)

    @asynccontextmanager
    async def _desks(self) -> AsyncIterator[tuple[Desk, Desk]]:
        async with self._database() as database:
            first, second = [await self._desk(database, row) for row in self._clerks]
            yield first, second

    async def _desk(self, database: Database, row: Mapping[str, str]) -> Desk:
        settings = load_settings({"data": self._served.folder, "sandbox": True})
        return await open_desk(settings, database, row["code"], row["key"])

    @asynccontextmanager
    async def _database(self) -> AsyncIterator[Database]:
        dsn = self._served.dsn
        if dsn is None:
            raise ConnectionError("no database runs")
        database = await Database.open(dsn, writers=2, readers=1)
        try:
            yield database
        finally:
            await database.close()

    async def _command(self, *words: str) -> None:
        """A command of the command line, which a dying database ends."""
        done = await asyncio.to_thread(self._served.command, *words)
        if done.returncode:
            raise Interrupted((done.stderr or done.stdout)[-300:])


async def _agree(
    first: Desk, second: Desk, message: str, kind: str, content: Mapping[str, str]
) -> Mapping[str, Any]:
    proposed = await first.done(service.proposing(kind, content, "演练", first.clerk, message))
    key = parse_pool_key(proposed.reference["proposal"])
    assert key is not None
    await second.done(service.approving(key, second.clerk))
    return (await second.proposal(key)).result or {}
