"""A file that cannot be read is refused with line number and reason."""

import pytest

from yibao.kernel.refusals import RefusalCode, Refused
from yibao.settlement.reconciliation import tables
from yibao.settlement.reconciliation.model import StatementLine

GOOD = ("S1", "V1", "M1", "12.30", "10", "null", "0")


def text(*rows: tuple[str, ...]) -> bytes:
    """A file of rows."""
    return "".join("\t".join(row) + "\n" for row in rows).encode()


def with_column(place: int, value: str) -> tuple[str, ...]:
    """The good row with another value in a column."""
    return (*GOOD[:place], value, *GOOD[place + 1 :])


def refusal(content: bytes) -> str:
    """The text with which a file is refused."""
    with pytest.raises(Refused) as refused:
        tables.read_lines(content)
    assert refused.value.refusal.code is RefusalCode.FILE_INVALID
    return refused.value.refusal.message


def test_a_file_is_read_with_and_without_its_frills() -> None:
    row = with_column(5, "0.05")
    line = StatementLine(1, "S1", "V1", "M1", 1230, 1000, 5, refund=False)
    for content in (
        text(row),
        text(row).rstrip(),
        text(row).replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + text(row),
        text((*row, '{"more": 1}')),
        text(row) + b"\n\n",
    ):
        assert tables.read_lines(content) == (line,)


def test_a_refund_is_known_by_its_flag_or_its_sign() -> None:
    rows = [with_column(5, "0"), ("S1", "V1", "M1", "-12.30", "-10", "0", "null")]
    rows.append(("S1", "V1", "M1", "0", "0", "0", "1"))
    assert [line.refund for line in tables.read_lines(text(*rows))] == [False, True, True]


def test_an_empty_file_has_no_rows() -> None:
    assert tables.read_lines(b"") == ()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (GOOD[:5], "应有7列（以TAB分隔），实有5列"),
        (("S1 V1 M1 12.30",), "实有1列"),
        ((*GOOD, "x", "y"), "实有9列"),
        (with_column(0, "null"), "setl_id（结算ID）不能为空"),
        (with_column(1, ""), "mdtrt_id（就诊ID）不能为空"),
        (with_column(2, " "), "psn_no（人员编号）不能为空"),
        (with_column(0, "9" * 41), "setl_id（结算ID）长度不得超过40"),
        (with_column(3, "abc"), "medfee_sumamt（医疗费总额）“abc”不是数字"),
        (with_column(3, "1,000.00"), "不是数字"),
        (with_column(3, "NaN"), "不是数字"),
        (with_column(3, "1e5"), "不是数字"),
        (with_column(3, "１２"), "不是数字"),
        (with_column(4, "1.234"), "fund_pay_sumamt（基金支付总额）“1.234”超过两位小数"),
        (with_column(4, "99999999999"), "超出金额上限"),
        (GOOD, "acct_pay（个人账户支付金额）不能为空"),
        ((*GOOD[:5], "0", "2"), "refd_setl_flag（退费结算标志）“2”无效"),
    ],
)
def test_a_bad_row_is_refused_with_its_number(row: tuple[str, ...], reason: str) -> None:
    good = with_column(5, "0")
    message = refusal(text(good, good, row))
    assert "第3行" in message
    assert reason in message


def test_another_encoding_is_refused() -> None:
    content = text(with_column(5, "0")) + "结算\t1".encode("gb18030")
    assert "第2行：不是UTF-8编码" in refusal(content)
    assert "第1行" in refusal(text(GOOD).decode().encode("utf-16"))
