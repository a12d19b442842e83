"""The bank's answer file, read strictly: what does not fit its run is refused as a whole. Pure."""

import csv
import io
import re
from collections.abc import Collection, Sequence
from datetime import date

from yibao.clearing.payments.bank_file import END, sealed
from yibao.clearing.payments.model import ConfirmedLine, Payment, Result, Run
from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.kernel.money import fen_from_yuan, yuan
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.crypto_sm import sm3

COLUMNS = ("run", "line", "payee", "amount", "result", "reason", "banked_on")

_AMOUNT = re.compile(r"\d{1,14}\.\d{2}", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
_SHOWN = 5
"""How many faults are told at once."""
_LONGEST_REASON = 200


def read(content: bytes) -> tuple[PoolKey, tuple[ConfirmedLine, ...]]:
    """The run that a file answers, and its lines; Refused with what is wrong."""
    rows = _checked_rows(content)
    runs = sorted({row[0] for row in rows})
    if len(runs) != 1:
        raise refused(f"一个文件应只回一个拨付批次，实有{'、'.join(runs) or '0个'}")
    run = parse_pool_key(runs[0])
    if run is None:
        raise refused(f"拨付批次{runs[0]}不是有效的批次号")
    lines, faults = [], []
    for place, row in enumerate(rows, 2):
        try:
            lines.append(_line(row))
        except ValueError as fault:
            faults.append(f"第{place}行{fault}")
    _raise(faults)
    return run, tuple(lines)


def check(
    run: Run, lines: Sequence[ConfirmedLine], confirmed: Collection[int], today: date
) -> None:
    """Every line answers one line of the run, with its payee and amount, for the first time.

    The lines stand in the order of the file, so that its rows and columns can be named.
    """
    payments = {payment.line: payment for payment in run.payments}
    seen: set[int] = set()
    faults = []
    for place, line in enumerate(lines, 2):
        fault = _fault(line, payments.get(line.line), run, today)
        if line.line in seen:
            fault = f"line列：序号{line.line}在文件中重复"
        elif line.line in confirmed:
            fault = f"line列：序号{line.line}先前已回盘，不能再回"
        seen.add(line.line)
        if fault:
            faults.append(f"第{place}行{fault}")
    _raise(faults)


def _fault(line: ConfirmedLine, payment: Payment | None, run: Run, today: date) -> str | None:
    if payment is None:
        return f"line列：序号{line.line}不在该拨付批次中"
    if line.payee != payment.payee.name:
        return f"payee列：收款方{line.payee}与批次的{payment.payee.name}不一致"
    if line.amount != payment.amount:
        return f"amount列：金额{yuan(line.amount)}与批次的{yuan(payment.amount)}不一致"
    if not business_date(run.made_at) <= line.banked_on <= today:
        return f"banked_on列：入账日期{line.banked_on}不在{business_date(run.made_at)}至{today}之间"
    return None


def render(run: Run, lines: Sequence[ConfirmedLine]) -> bytes:
    """A confirmation as a bank writes it: for tests, and for a sandbox that has no bank."""
    rows = [
        (
            run.key.text(),
            str(line.line),
            line.payee,
            yuan(line.amount),
            line.result.value,
            line.reason,
            line.banked_on.isoformat(),
        )
        for line in lines
    ]
    return sealed(COLUMNS, rows, yuan(sum(line.amount for line in lines)))


def _checked_rows(content: bytes) -> list[list[str]]:
    """The rows between header and end; their count, sum and checksum are those told."""
    body, end = _split(content.removeprefix(b"\xef\xbb\xbf"))
    try:
        rows = list(csv.reader(io.StringIO(body.decode()), strict=True))
    except (UnicodeDecodeError, csv.Error) as fault:
        raise refused(f"不是UTF-8编码的CSV文本：{type(fault).__name__}") from None
    if not rows or tuple(rows[0]) != COLUMNS:
        raise refused(f"第1行：表头应为{','.join(COLUMNS)}")
    rows = rows[1:]
    _, count, total, checksum = end
    if checksum.lower() != sm3(body).hex():
        raise refused(
            f"末行第4列：校验值{checksum[:16]}…与内容的SM3值{sm3(body).hex()[:16]}…不一致，"
            "文件在生成后被改动或不完整"
        )
    if count != str(len(rows)):
        raise refused(f"末行第2列：笔数{count}与明细{len(rows)}笔不一致")
    _raise(
        [
            f"第{place}行：应有{len(COLUMNS)}列，实有{len(row)}列"
            for place, row in enumerate(rows, 2)
            if len(row) != len(COLUMNS)
        ]
    )
    _raise(
        [
            f"第{place}行amount列：金额{row[3]!r}应为以元为单位的两位小数"
            for place, row in enumerate(rows, 2)
            if not _AMOUNT.fullmatch(row[3])
        ]
    )
    summed = yuan(sum(fen_from_yuan(row[3]) for row in rows))
    if total != summed:
        raise refused(f"末行第3列：合计{total}与明细合计{summed}不一致")
    return rows


def _split(content: bytes) -> tuple[bytes, list[str]]:
    content = content.replace(b"\r\n", b"\n").rstrip(b"\n")
    body, separator, last = content.rpartition(b"\n")
    end = last.decode("ascii", "replace").split(",")
    if not separator or len(end) != 4 or end[0] != END:
        raise refused(f"末行应为{END},笔数,合计,SM3校验值")
    return body + b"\n", end


def _line(row: Sequence[str]) -> ConfirmedLine:
    _, number, payee, amount, result, reason, day = (cell.strip() for cell in row)
    if not _NUMBER.fullmatch(number):
        raise ValueError(f"line列：序号{number!r}不是数字")
    if result not in set(Result):
        raise ValueError(f"result列：结果{result!r}应为{'、'.join(Result)}")
    if result == Result.REJECTED and not reason:
        raise ValueError("reason列：退汇须写明原因")
    if len(reason) > _LONGEST_REASON:
        raise ValueError(f"reason列：原因不得超过{_LONGEST_REASON}字")
    try:
        banked_on = date.fromisoformat(day)
    except ValueError:
        raise ValueError(f"banked_on列：日期{day!r}应为yyyy-mm-dd") from None
    return ConfirmedLine(
        int(number), payee, fen_from_yuan(amount), Result(result), reason, banked_on
    )


def refused(reason: str) -> Refused:
    """The refusal of a whole file, with what to do: a file of money is never mended by hand."""
    told = f"回盘文件未入账：{reason}。请勿手工修改，由银行更正后整份重新提交"
    return Refused(RefusalCode.BANK_FILE_INVALID, told, "file")


def _raise(faults: Sequence[str]) -> None:
    if faults:
        more = f"；等共{len(faults)}处" if len(faults) > _SHOWN else ""
        raise refused("；".join(faults[:_SHOWN]) + more)
