"""The month is over: institutions apply, the bureau reviews and pays, the bank answers.

The last thing that happens in a world: the sandbox's clock goes to the next month, and afterwards
every book of the month must still be equal, to the bank's file.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.world.institution import Institution
from tests.world.messages import CLEARED_AS
from tests.world.notebook import Row
from tests.world.server import Served
from tests.world.verdict import Verdict
from yibao.kernel.money import yuan
from yibao.kernel.periods import business_date
from yibao.sandbox.books import Amounts

BANK = "演练支出户"

MOST = 4
"""Institutions that apply, the busiest ones."""

Agreed = Callable[..., Awaitable[Mapping[str, Any]]]
"""Two clerks agree on a kind of business with its content; what it came to."""


class MonthEnd:
    """Clears what a world's institutions have settled this month."""

    def __init__(
        self,
        served: Served,
        agreed: Agreed,
        institutions: Sequence[Institution],
        folder: Path,
        verdict: Verdict,
    ) -> None:
        self._served = served
        self._agreed = agreed
        busy = sorted(institutions, key=lambda one: len(one.notebook.rows()), reverse=True)
        self._institutions = [one for one in busy if one.notebook.rows()][:MOST]
        self._folder = folder
        self._verdict = verdict
        self._first = business_date(datetime.now(UTC)).replace(day=1)
        self._next = (self._first + timedelta(days=32)).replace(day=1)

    async def clear(self) -> None:
        """From the application to the statement."""
        await self._go_to_next_month()
        pools: dict[str, dict[str, int]] = {}
        for one in self._institutions:
            for cleared_as in CLEARED_AS.values():
                rows = [row for row in one.notebook.rows() if row.cleared_as == cleared_as]
                if rows:
                    application = await self._apply(one, cleared_as, rows)
                    granted = await self._agreed(
                        "clearing.review", application=application, retention_rate="0.05"
                    )
                    due = pools.setdefault(application[:6], {})
                    due[one.code] = due.get(one.code, 0) + _fen(granted["payable"])
                    claimed = sum((row.amounts for row in rows), Amounts()).claimed
                    self._equal(f"{one.code} {cleared_as} claimed", granted["claimed"], claimed)
        for pool, due in pools.items():
            await self._pay(pool, due)
        for one in self._institutions:
            await self._check_statement(one)
        self._verdict.figures["institutions_paid"] = sum(len(due) for due in pools.values())

    async def _go_to_next_month(self) -> None:
        noon = f"{self._next.replace(day=3)}T12:00:00"
        await self._command("sandbox", "clock", "--to", noon)
        then = datetime.fromisoformat(f"{noon}+08:00")
        for one in self._institutions:
            one.skew = round((then - datetime.now(UTC)).total_seconds())

    async def _apply(self, one: Institution, cleared_as: str, rows: Sequence[Row]) -> str:
        sums = sum((row.amounts for row in rows), Amounts())
        data = {
            "clr_type": cleared_as,
            "clr_way": "1",
            "setlym": f"{self._first:%Y%m}",
            "begndate": f"{self._first}",
            "enddate": f"{self._next - timedelta(days=1)}",
            "medfee_sumamt": yuan(sums.total),
            "fund_appy_sum": yuan(sums.funds),
            "acct_pay": yuan(sums.account),
            "cash_payamt": yuan(sums.cash),
        }
        applied = (await one.ask("3203", {"data": data})).done()
        return str(applied["result"]["clr_appy_evt_id"])

    async def _pay(self, pool: str, due: Mapping[str, int]) -> None:
        for place, code in enumerate(sorted(due)):
            await self._agreed(
                "clearing.account", pool=pool, payee=code, holder=f"演练{code}",
                account=f"62000000000{place:05d}", bank="演练银行",
            )  # fmt: skip
        payees = ",".join(code for code, amount in due.items() if amount > 0)
        if not payees:  # all that was settled was taken back, or paid in cash
            return
        run = await self._agreed("clearing.pay", pool=pool, bank=BANK, payees=payees)
        answer = self._folder / f"answer-{pool}.csv"
        await self._command("clearing", "bank-file", run["run"], "--out", str(self._folder))
        await self._command("sandbox", "bank", run["run"], "--out", str(answer))
        content = answer.read_text()
        confirmed = await self._agreed("clearing.confirm", pool=pool, file=content)
        wanted = sum(amount for amount in due.values() if amount > 0)
        self._equal(f"paid in {pool}", confirmed["paid"], wanted)

    async def _check_statement(self, one: Institution) -> None:
        words = ("statement", one.code, "--month", f"{self._first:%Y-%m}", "--json")
        told = json.loads(await self._command("clearing", *words))
        self._equal(f"unexplained of {one.code}", told["unexplained"], 0)

    def _equal(self, what: str, told: Any, fen: int) -> None:
        if _fen(told) != fen:
            self._verdict.find("clearing", f"{what}: {told}, not {yuan(fen)}")

    async def _command(self, *words: str) -> str:
        done = await asyncio.to_thread(self._served.command, *words)
        if done.returncode:
            told = (done.stderr or done.stdout)[-500:]
            self._verdict.find("clearing", f"yibao {' '.join(words)}: {told}")
        return done.stdout


def _fen(text: Any) -> int:
    return round(float(str(text)) * 100)
