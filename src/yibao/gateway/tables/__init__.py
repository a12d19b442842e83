"""Field tables of the interface's transactions: package data, read once, never changed at run time.

``transactions.json`` is made by ``convert.py`` from the reconstructed interface description. A
suffixed number (2203A, 2206A, 2207A) that has no table of its own takes the table of its base.
"""

from functools import cache
from importlib.resources import files

import msgspec


class Field(msgspec.Struct, frozen=True, array_like=True):
    """One field of a node."""

    name: str
    label: str
    """Chinese label, as a clerk knows the field."""
    kind: str
    """C text, N number, D date, DT date and time, T long text, B bytes, O object, "" unknown."""
    length: str
    """``30`` for text, ``16,2`` for a number of 16 digits with 2 decimals, "" where unknown."""
    required: str
    """Y, N or ``?`` (sources disagree)."""
    codes: str
    """Name of the code table, or ""."""
    confidence: str
    """a: two independent typed sources agree; b: one; c: the name alone was seen; i: inferred."""

    @property
    def enforced(self) -> bool:
        """Whether an absent value is refused: required, and surely so."""
        return self.required == "Y" and self.confidence == "a"


class Node(msgspec.Struct, frozen=True):
    """A named node of ``input`` or ``output``."""

    name: str
    """A node inside another is named by its path: ``data.stastinfo``."""
    many: bool
    fields: tuple[Field, ...]


class TransactionTable(msgspec.Struct, frozen=True):
    """What is known of one transaction."""

    title: str
    category: str
    kind: str
    path: str = ""
    """``fsi_path``: the path in provinces that give each transaction one."""
    input: tuple[Node, ...] = ()
    output: tuple[Node, ...] = ()


class Tables(msgspec.Struct, frozen=True):
    """All tables by transaction number."""

    transactions: dict[str, TransactionTable]

    def find(self, number: str) -> TransactionTable | None:
        """The table of a transaction; a suffixed number falls back to its base."""
        return self.transactions.get(number) or self.transactions.get(number[:4])


@cache
def tables() -> Tables:
    """The packaged tables."""
    data = files(__package__).joinpath("transactions.json").read_bytes()
    return msgspec.json.decode(data, type=Tables)
