"""A July to clear: bills of a town, the hospital's application, a bureau that reviews and pays."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from itertools import count
from typing import Any

from tests.bureau.builders import Bureau
from tests.settlement.builders import POOL, TERTIARY, Town
from yibao.clearing import service as clearing
from yibao.clearing.payments.model import ConfirmedLine, Result, Run
from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.kernel.money import Fen
from yibao.ledger.inquiries import service as inquiries
from yibao.ledger.model import (
    advanced_account,
    deducted_account,
    payable_account,
    withheld_account,
)
from yibao.platform.commands.model import Command, Done, MessageKey, Outcome
from yibao.platform.commands.service import Commands
from yibao.settlement.clearing import service as applications
from yibao.settlement.clearing.model import Application, ApplyForClearing, WithdrawApplication

FIRST_DAY, LAST_DAY = date(2026, 7, 1), date(2026, 7, 31)
ACCOUNT = {"holder": "测试医院", "account": "6200000000000001", "bank": "测试银行北京分行"}


class Month:
    """A town whose July is applied for, reviewed, paid and confirmed in August."""

    def __init__(self, town: Town, bureau: Bureau) -> None:
        self.town = town
        self.bureau = bureau
        self._commands = Commands(
            town.database.writer,
            town.clock,
            town.numbers,
            applications.handlers(bureau.office.references, town.vault),
        )
        self._sent = count(1)

    # -------------------------------------------------------------------------- the institution

    async def bill(self, amount: str, institution: str = TERTIARY) -> Any:
        """A bill of a person with 100 yuan on the account."""
        member = await self.town.insure(account="100")
        return await self.town.bill(member, amount, institution)

    def end(self) -> None:
        """July is over."""
        self.town.clock.move(timedelta(days=20))

    async def application(
        self, institution: str = TERTIARY, *, cleared_as: str = "11", **changes: Any
    ) -> ApplyForClearing:
        """An application for July with our figures."""
        async with self.town.database.reader([institution]) as connection:
            ours = await applications.figures_of(
                connection, institution, cleared_as, FIRST_DAY, LAST_DAY
            )
        asked = ApplyForClearing(
            institution, cleared_as, None, "202607", FIRST_DAY, LAST_DAY, ours.visits,
            ours.total, ours.in_scope, ours.funds, ours.account, ours.cash,
        )  # fmt: skip
        return replace(asked, **changes)

    async def send(self, request: ApplyForClearing | WithdrawApplication) -> Outcome:
        """Submit the institution's message."""
        number = next(self._sent)
        transaction = "3203" if isinstance(request, ApplyForClearing) else "3204"
        key = MessageKey(request.institution, transaction, f"c{number}")
        command = Command(POOL, request.institution, key, repr(request).encode(), request)
        return await self._commands.submit(command)

    async def apply(self, institution: str = TERTIARY, **changes: Any) -> Application:
        """Apply for July."""
        outcome = await self.send(await self.application(institution, **changes))
        assert isinstance(outcome, Done), outcome
        application: Application = outcome.result
        return application

    # ------------------------------------------------------------------------------- the bureau

    async def do(self, kind: str, **content: str) -> Mapping[str, Any]:
        """A clerk's business, proposed and approved. Raises Refused."""
        if kind not in {"clearing.review", "clearing.refuse"}:
            content["pool"] = POOL
        return await self.bureau.carry_out(kind, **content)

    async def review(self, application: Application, **content: str) -> Mapping[str, Any]:
        """Grant an application."""
        return await self.do("clearing.review", application=application.key.text(), **content)

    async def granted(self, *amounts: str, **content: str) -> Mapping[str, Any]:
        """Bills of these amounts in July, applied for and granted."""
        for amount in amounts:
            await self.bill(amount)
        self.end()
        return await self.review(await self.apply(), **content)

    async def name_account(self, payee: str = TERTIARY, **changes: str) -> None:
        """Put a payee's bank account on file."""
        await self.do("clearing.account", payee=payee, **(ACCOUNT | changes))

    async def pay(self, **content: str) -> Run:
        """Make a run over all that is due."""
        result = await self.do("clearing.pay", bank="测试专户", **content)
        return await self.run(result["run"])

    async def run(self, number: str) -> Run:
        """A run as it stands."""
        key = parse_pool_key(number)
        assert key is not None
        async with self.town.database.reader(None) as connection:
            run = await clearing.find_run(connection, self.town.vault, key)
        assert run is not None
        return run

    def answers(self, run: Run, rejected: Mapping[int, str] | None = None) -> list[ConfirmedLine]:
        """The bank's answers: everything is paid but the lines with a reason."""
        rejected = rejected or {}
        return [
            ConfirmedLine(
                payment.line,
                payment.payee.name,
                payment.amount,
                Result.REJECTED if payment.line in rejected else Result.PAID,
                rejected.get(payment.line, ""),
                run.made_at.date(),
            )
            for payment in run.payments
        ]

    async def confirm(self, run: Run, rejected: Mapping[int, str] | None = None) -> Any:
        """The bank answers the whole run."""
        content = clearing.confirmation_of(run, self.answers(run, rejected)).decode()
        return await self.do("clearing.confirm", file=content)

    # ------------------------------------------------------------------------------------ books

    async def balances(self, institution: str = TERTIARY) -> dict[str, Fen]:
        """What the ledger holds of an institution, by purse."""
        names = {
            "payable": payable_account(institution),
            "withheld": withheld_account(institution),
            "advanced": advanced_account(institution),
            "deducted": deducted_account(institution),
        }
        async with self.town.database.reader(None) as connection:
            held = await inquiries.balances(connection, POOL, list(names.values()), None)
            claimed = await inquiries.claimed_balance(connection, POOL, institution)
        return {"claimed": claimed} | {purse: held[name] for purse, name in names.items()}

    async def balance(self, account: str) -> Fen:
        """The balance of any account."""
        async with self.town.database.owner() as connection:
            total: Fen = await connection.fetchval(
                "SELECT coalesce(sum(amount), 0)::bigint FROM ledger.entry WHERE account = $1",
                account,
            )
        return total

    async def close(self) -> None:
        """Wait for what is under way."""
        await self._commands.drain()


def run_account(run: Run) -> str:
    """The ledger account of a run's money on its way."""
    return f"transit:run-{run.key.text()}"


def key_of(text: str) -> PoolKey:
    """The key behind a number."""
    key = parse_pool_key(text)
    assert key is not None
    return key
