"""Pay what is due: a run makes one bank file, the bank's answer is booked line by line."""

import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from yibao.clearing.desk import own_institution, take_desk
from yibao.clearing.payments import bank_file, confirmation_file, store
from yibao.clearing.payments.model import (
    LINES_AT_MOST,
    Confirmation,
    ConfirmedLine,
    MadeRun,
    Payee,
    PayeeAccount,
    Payment,
    Result,
    Run,
)
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger import service as ledger
from yibao.ledger.inquiries import service as inquiries
from yibao.ledger.model import (
    Entry,
    Occasion,
    OccasionKind,
    Posting,
    bank_account,
    owed_account,
    payable_account,
    transit_account,
)
from yibao.platform.commands.model import Unit
from yibao.platform.crypto import Vault
from yibao.registry.institutions.model import Directory

if TYPE_CHECKING:
    from asyncpg import Connection

__all__ = [
    "bank_file_of",
    "confirm",
    "confirmation_of",
    "find_run",
    "keep_account",
    "make_run",
    "payments_of",
    "payments_of_pool",
]

find_run = store.find_run
"""A run with its payments; None when the reader sees none."""
payments_of = store.of_institution
"""An institution's payments."""
payments_of_pool = store.of_pool
"""Payments of a pool or all, or of one run."""
confirmation_of = confirmation_file.render
"""A confirmation as a bank writes it."""

_ACCOUNT = re.compile(r"[0-9]{6,32}", re.ASCII)
_INSTITUTION = re.compile(r"[HP]\d{11}", re.ASCII)


async def keep_account(
    unit: Unit, vault: Vault, directory: Directory, account: PayeeAccount, clerk: str
) -> PayeeAccount:
    """Keep where a payee wants its money (收款账户登记); the newest counts.

    The payee is an institution's code, or a member's number of this pool.
    """
    payee = _payee(account.payee)
    if not payee.is_person:
        own_institution(directory, unit.pool, payee.name)
    elif payee.name[:6] != unit.pool:
        raise Refused(
            RefusalCode.PAYEE_UNKNOWN, f"收款方{payee.name}不属于统筹区{unit.pool}", "payee"
        )
    if not _ACCOUNT.fullmatch(account.account):
        raise Refused(RefusalCode.FIELD_INVALID, "收款账号应为6至32位数字", "account")
    key = PoolKey(unit.pool, unit.numbers.next(unit.now))
    await store.insert_account(unit.connection, vault, key, account, clerk, unit.now)
    return account


async def make_run(
    unit: Unit, vault: Vault, bank: str, payees: Collection[str] | None, clerk: str
) -> MadeRun:
    """Pay what is due (拨付): one line a payee, whose balance goes into transit.

    ``payees``: institutions' codes and members' numbers; None: all of the pool that are owed money.
    Who has no bank account on file is left out and told; a payee that was named is refused then.
    """
    await take_desk(unit)
    due = await _due(unit, payees)
    accounts = await store.accounts(unit.connection, vault, unit.pool, [p.name for p in due])
    without = tuple(payee.name for payee in due if payee.name not in accounts)
    if payees is not None and without:
        raise Refused(
            RefusalCode.PAYEE_UNKNOWN, f"收款方没有登记银行账户：{'、'.join(without)}", "payees"
        )
    payable = [payee for payee in due if payee.name in accounts]
    if not payable:
        more = f"；没有登记银行账户：{'、'.join(without)}" if without else ""
        raise Refused(RefusalCode.NOTHING_TO_PAY, f"没有可拨付的款项{more}", "payees")
    key = PoolKey(unit.pool, unit.numbers.next(unit.now))
    payments = tuple(
        Payment(line, payee, due[payee], accounts[payee.name])
        for line, payee in enumerate(payable[:LINES_AT_MOST], 1)
    )
    run = Run(key, bank, payments, clerk, unit.now)
    digest = bank_file.digest_of(bank_file.render(run))
    await store.insert_run(unit.connection, vault, run, digest)
    entries = [Entry(_account_of(payment.payee), -payment.amount) for payment in payments]
    entries.append(Entry(_transit(key), run.amount))
    occasion = Occasion(OccasionKind.PAYMENT, {"run": key.text()})
    await ledger.post(unit, [Posting(key.number, unit.day, tuple(entries), occasion)])
    return MadeRun(run, without, len(payable) - len(payments))


async def _due(unit: Unit, payees: Collection[str] | None) -> dict[Payee, Fen]:
    """Who is owed money, and how much; the desk is taken."""
    connection, pool = unit.connection, unit.pool
    if payees is not None:
        wanted = [_payee(name) for name in sorted(set(payees))]
        held = await inquiries.balances(connection, pool, [_account_of(p) for p in wanted], None)
        due = {payee: held[_account_of(payee)] for payee in wanted}
        if nothing := [payee.name for payee, amount in due.items() if amount <= 0]:
            raise Refused(
                RefusalCode.NOTHING_TO_PAY, f"没有应付余额：{'、'.join(nothing)}", "payees"
            )
        return due
    found = await inquiries.all_balances(connection, pool, "institution:%:payable")
    found += await inquiries.all_balances(connection, pool, "person:%:owed")
    return {
        Payee(account.split(":")[1], account.startswith("person:")): amount
        for account, amount in found
        if amount > 0
    }


async def bank_file_of(
    connection: "Connection[Any]", vault: Vault, key: PoolKey
) -> tuple[str, bytes]:
    """Name and content of a run's file: the same bytes each time. Refused when there is no run."""
    run = await store.find_run(connection, vault, key)
    if run is None:
        raise _no_run(key)
    return bank_file.name_of(run), bank_file.render(run)


async def confirm(unit: Unit, vault: Vault, content: bytes, clerk: str) -> Confirmation:
    """Book what the bank answered (回盘): paid leaves the bank, rejected is due again.

    Refused as a whole when anything of the file does not fit; then nothing has changed.
    """
    key, lines = confirmation_file.read(content)
    await take_desk(unit)
    run = await store.find_run(unit.connection, vault, key) if key.pool == unit.pool else None
    if run is None:
        raise _no_run(key)
    confirmed = await store.confirmed_lines(unit.connection, key)
    confirmation_file.check(run, lines, confirmed, unit.day)
    posting = unit.numbers.next(unit.now)
    await store.insert_confirmations(unit.connection, key, lines, posting, clerk, unit.now)
    entries = _answered(run, lines)
    occasion = Occasion(OccasionKind.PAYMENT, {"run": key.text(), "confirmed": len(lines)})
    await ledger.post(unit, [Posting(posting, unit.day, entries, occasion)])
    paid = sum(line.amount for line in lines if line.result is Result.PAID)
    rejected = sum(line.amount for line in lines) - paid
    waiting = len(run.payments) - len(confirmed) - len(lines)
    return Confirmation(key, paid, rejected, len(lines), waiting)


def _answered(run: Run, lines: Sequence[ConfirmedLine]) -> tuple[Entry, ...]:
    payees = {payment.line: payment.payee for payment in run.payments}
    paid = sum(line.amount for line in lines if line.result is Result.PAID)
    entries = [Entry(_transit(run.key), -sum(line.amount for line in lines))]
    entries += [
        Entry(_account_of(payees[line.line]), line.amount)
        for line in lines
        if line.result is Result.REJECTED
    ]
    if paid:
        entries.append(Entry(bank_account(run.bank), paid))
    return tuple(entries)


def _payee(name: str) -> Payee:
    return Payee(name, is_person=not _INSTITUTION.fullmatch(name))


def _account_of(payee: Payee) -> str:
    return owed_account(payee.name) if payee.is_person else payable_account(payee.name)


def _transit(run: PoolKey) -> str:
    return transit_account(f"run-{run.text()}")


def _no_run(key: PoolKey) -> Refused:
    return Refused(RefusalCode.RUN_UNKNOWN, f"没有拨付批次{key.text()}", "run")
