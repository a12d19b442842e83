"""The file that asks a bank to pay, as ``docs/operating/bank-file.md`` describes it. Pure."""

import csv
import io
from collections.abc import Iterable, Sequence

from yibao.clearing.payments.model import Run
from yibao.kernel.money import yuan
from yibao.kernel.periods import business_date
from yibao.platform.crypto_sm import sm3

COLUMNS = ("run", "line", "payee", "holder", "account", "bank", "amount", "purpose")
END = "end"
"""First word of the last row: count, sum and checksum of what stands before it."""

_PURPOSES = {False: "医保清算拨付", True: "医保待遇支付"}


def name_of(run: Run) -> str:
    """The file's name; names sort by pool, then time."""
    day = business_date(run.made_at)
    return f"pay-{run.key.pool}-{day:%Y%m%d}-{run.key.number:019d}.csv"


def render(run: Run) -> bytes:
    """The file of a run: the same bytes, whenever it is made."""
    rows = [
        (
            run.key.text(),
            str(payment.line),
            payment.payee.name,
            payment.to.holder,
            payment.to.account,
            payment.to.bank,
            yuan(payment.amount),
            _PURPOSES[payment.payee.is_person],
        )
        for payment in run.payments
    ]
    return sealed(COLUMNS, rows, yuan(run.amount))


def digest_of(content: bytes) -> bytes:
    """The checksum that a file's last row carries."""
    return bytes.fromhex(content.decode().rstrip("\n").rpartition(",")[2])


def sealed(columns: Sequence[str], rows: Sequence[Sequence[str]], total: str) -> bytes:
    """Header and rows, then the row that tells their count, sum and SM3 checksum."""
    body = _text([columns, *rows])
    return body + _text([(END, str(len(rows)), total, sm3(body).hex())])


def _text(rows: Iterable[Sequence[str]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue().encode()
