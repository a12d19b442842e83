"""The two tables of a line-by-line reconciliation (对明细账): TAB-separated UTF-8 text.

An institution sends one row a settlement; ``null`` or nothing stands for a missing value, a last
column may extend the row. The answer has a row for every settlement of either side.
"""

import re
from collections.abc import Iterator, Sequence

from yibao.kernel.money import AMOUNT_LIMIT, Fen, fen_from_yuan, yuan
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.settlement.reconciliation.model import (
    AnsweredLine,
    ComparedLine,
    Result,
    StatementLine,
)

SENT = (
    ("setl_id", "结算ID"),
    ("mdtrt_id", "就诊ID"),
    ("psn_no", "人员编号"),
    ("medfee_sumamt", "医疗费总额"),
    ("fund_pay_sumamt", "基金支付总额"),
    ("acct_pay", "个人账户支付金额"),
    ("refd_setl_flag", "退费结算标志"),
)
"""Columns of the institution's file, in order; ``exp_content`` may follow."""

ANSWERED = (
    "psn_no",
    "mdtrt_id",
    "setl_id",
    "msgid",
    "stmt_rslt",
    "refd_setl_flag",
    "memo",
    "medfee_sumamt",
    "fund_pay_sumamt",
    "acct_pay",
)
"""Columns of the answer, in order."""

ROW_LIMIT = 200_000
_ABSENT = frozenset({"", "null", "NULL"})
_AMOUNT = re.compile(r"-?\d{1,14}(\.\d{1,10})?", re.ASCII)
_LONGEST_TEXT = 40


def read_lines(text: bytes) -> tuple[StatementLine, ...]:
    """The rows of an institution's file; Refused with line number and reason."""
    lines = []
    for row, columns in _rows(text):
        if len(columns) not in (len(SENT), len(SENT) + 1):
            raise _refused(row, f"应有{len(SENT)}列（以TAB分隔），实有{len(columns)}列")
        settlement, visit, member, *amounts = (
            "" if column.strip() in _ABSENT else column.strip() for column in columns
        )
        for (name, label), value in zip(SENT, (settlement, visit, member), strict=False):
            if not value:
                raise _refused(row, f"{name}（{label}）不能为空")
            if len(value) > _LONGEST_TEXT:
                raise _refused(row, f"{name}（{label}）长度不得超过{_LONGEST_TEXT}")
        total, funds, account = (_amount(row, place, amounts[place - 3]) for place in (3, 4, 5))
        refund = _refund(row, amounts[3], total)
        lines.append(StatementLine(row, settlement, visit, member, total, funds, account, refund))
        if len(lines) > ROW_LIMIT:
            raise _refused(row, f"一个文件不得超过{ROW_LIMIT}行，请缩短对账期间")
    return tuple(lines)


def _rows(text: bytes) -> Iterator[tuple[int, list[str]]]:
    for row, line in enumerate(text.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        try:
            decoded = line.decode().removesuffix("\r")
        except UnicodeDecodeError:
            raise _refused(row, "不是UTF-8编码的文本") from None
        if decoded.strip():
            yield row, decoded.split("\t")


def _amount(row: int, place: int, text: str) -> Fen:
    name, label = SENT[place]
    shown = f"{name}（{label}）"
    if not text:
        raise _refused(row, f"{shown}不能为空")
    if not _AMOUNT.fullmatch(text):
        raise _refused(row, f"{shown}“{text[:20]}”不是数字")
    try:
        amount = fen_from_yuan(text)
    except ValueError:
        raise _refused(row, f"{shown}“{text[:20]}”超过两位小数") from None
    if abs(amount) > AMOUNT_LIMIT:
        raise _refused(row, f"{shown}超出金额上限")
    return amount


def _refund(row: int, flag: str, total: Fen) -> bool:
    if not flag:
        return total < 0
    if flag not in ("0", "1"):
        raise _refused(row, f"refd_setl_flag（退费结算标志）“{flag[:20]}”无效，应为0、1")
    return flag == "1"


def _refused(row: int, reason: str) -> Refused:
    return Refused(
        RefusalCode.FILE_INVALID, f"对账明细文件第{row}行：{reason}", "file_content", row=str(row)
    )


def write_lines(lines: Sequence[StatementLine]) -> bytes:
    """An institution's file, as a client writes it."""
    return _text(
        (
            line.settlement,
            line.visit,
            line.member,
            yuan(line.total),
            yuan(line.funds),
            yuan(line.account),
            "1" if line.refund else "0",
        )
        for line in lines
    )


def write_answer(compared: Sequence[ComparedLine]) -> bytes:
    """The answer's table: our figures where we have the settlement, else the institution's."""
    return _text(_answered(line) for line in compared)


def read_answer(text: bytes) -> list[AnsweredLine]:
    """The rows of an answer that ``write_answer`` wrote."""
    rows = [line.split("\t") for line in text.decode().splitlines()]
    return [
        AnsweredLine(
            member=row[0],
            settlement=row[2],
            result=Result(row[4]),
            refund=row[5] == "1",
            reason=row[6],
            total=fen_from_yuan(row[7]),
            funds=fen_from_yuan(row[8]),
            account=fen_from_yuan(row[9]),
        )
        for row in rows
    ]


def _answered(compared: ComparedLine) -> tuple[str, ...]:
    known = compared.ours or compared.theirs
    assert known is not None, "a compared line is of one side at least"
    return (
        known.member,
        known.visit,
        compared.theirs.settlement if compared.theirs else known.settlement,
        compared.ours.message_id if compared.ours else "null",
        compared.result.value,
        "1" if known.refund else "0",
        compared.reason,
        yuan(known.total),
        yuan(known.funds),
        yuan(known.account),
    )


def _text(rows: Iterator[tuple[str, ...]]) -> bytes:
    return "".join("\t".join(row) + "\n" for row in rows).encode()
