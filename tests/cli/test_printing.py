"""Tables on terminals of every width, and in pipes."""

from io import StringIO

from rich.console import Console
from rich.table import Table

from yibao.cli.printing import print_whole

NUMBER = "1100000012345678901234567"


def printed(table: Table, *, width: int, terminal: bool = True) -> str:
    """What a terminal (or a pipe) of a width gets."""
    file = StringIO()
    console = Console(file=file, width=width, force_terminal=terminal, color_system=None)
    print_whole(console, table)
    return file.getvalue()


def proposals() -> Table:
    """A table wider than eighty columns."""
    table = Table("proposal", "kind", "state", "proposed", "reason", "refused")
    table.add_row(NUMBER, "accounts.let_pay", "proposed", "2026-11-23 00:30", "窗口办理", "")
    return table


def test_a_number_is_never_broken() -> None:
    for width in (40, 80, 100, 120):
        assert NUMBER in printed(proposals(), width=width)


def test_a_narrow_terminal_gets_a_row_as_lines_and_nothing_empty() -> None:
    lines = printed(proposals(), width=80).splitlines()
    assert "proposed  2026-11-23 00:30" in lines
    assert "reason    窗口办理" in lines
    assert not any(line.startswith("refused") for line in lines)


def test_a_table_that_fits_stays_a_table() -> None:
    assert "│" in printed(proposals(), width=120)


def test_prose_is_folded_and_needs_no_lines_of_its_own() -> None:
    table = Table("check", "what to do")
    table.add_row("vault key", "give the key " * 20 + "汉字" * 60)
    assert "│" in printed(table, width=40)


def test_a_pipe_gets_whole_rows() -> None:
    text = printed(proposals(), width=40, terminal=False)
    assert any(NUMBER in line and "窗口办理" in line for line in text.splitlines())


def test_money_stands_at_the_right_and_numbers_of_things_do_not() -> None:
    table = Table("amount", "line")
    for amount, line in (("3.20", "1"), ("1,234.00", "10"), ("", "2")):
        table.add_row(amount, line)
    text = printed(table, width=40)
    assert "│     3.20 │ 1    │" in text
