"""Printing tables for people and for pipes."""

from rich.console import Console
from rich.table import Table

_ENDLESS = 10_000
"""Characters, more than any row has."""


def print_whole(console: Console, table: Table) -> None:
    """A table as wide as the terminal. A pipe has no width: nothing is folded for it."""
    if not console.is_terminal:
        endless = console.options.update(width=_ENDLESS)
        natural = console.measure(table, options=endless).maximum
        console = Console(file=console.file, width=max(console.width, natural))
    console.print(table)
