"""Printing tables for people and for pipes."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.cells import cell_len
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table
from rich.text import Text

_ENDLESS = 10_000
"""Characters, more than any row has."""
_FRAME = 3
"""Characters that a column takes beside its content: a line and two spaces."""
_MONEY = re.compile(r"-?\d[\d,]*\.\d\d")
_UNBREAKABLE = re.compile(r"[!-~]+")
"""What a reader copies in one piece. Chinese may be folded anywhere."""


def counted(number: int, thing: str) -> str:
    """``1 row``, ``2,000 rows``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


@contextmanager
def bars(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each thing that is done, beside what is printed; none in a pipe.

    It is told what is done, how much of it, and of how much.
    """
    with Progress(console=console, transient=True, disable=not console.is_terminal) as shown:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(what, total=of or None)
            shown.update(tasks[what], completed=done)

        yield tell


def print_whole(console: Console, table: Table) -> None:
    """A table as wide as the terminal; one that would break numbers and names, row by row.

    A pipe has no width: nothing is folded for it. Columns of money stand at the right.
    """
    _align_money(table)
    if not console.is_terminal:
        endless = console.options.update(width=_ENDLESS)
        natural = console.measure(table, options=endless).maximum
        console = Console(file=console.file, width=max(console.width, natural))
    elif table.show_header and _narrowest(table) > console.width:
        _print_rows(console, table)
        return
    console.print(table)


def _align_money(table: Table) -> None:
    for column in table.columns:
        filled = [str(cell) for cell in column.cells if str(cell)]
        if filled and all(_MONEY.fullmatch(cell) for cell in filled):
            column.justify = "right"


def _narrowest(table: Table) -> int:
    """The width at which no number or name is broken."""
    return 1 + sum(
        _FRAME + max(_longest_piece(str(cell)) for cell in [column.header, *column.cells])
        for column in table.columns
    )


def _longest_piece(cell: str) -> int:
    return max((len(piece) for piece in _UNBREAKABLE.findall(cell)), default=1)


def _print_rows(console: Console, table: Table) -> None:
    """Every row as lines of ``name  value``, a blank line between rows; empty values left out."""
    if table.title:
        console.print(table.title, style="italic")
    names = [str(column.header) for column in table.columns]
    width = max(cell_len(name) for name in names)
    for row in zip(*(column.cells for column in table.columns), strict=True):
        console.print()
        for name, cell in zip(names, row, strict=True):
            value = Text.from_markup(cell) if isinstance(cell, str) else cell
            if str(value):
                line = Text(f"{name}{' ' * (width - cell_len(name))}  ", style="dim")
                console.print(line.append_text(Text(str(value), style="not dim")), soft_wrap=True)
    console.print()
