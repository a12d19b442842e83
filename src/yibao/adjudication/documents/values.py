"""Single values of bill and case documents: amounts, words, dates, numbers, each refused by name.

Every function takes the node that the value stands in and raises ``LawError`` with the document's
file, the key and the reason.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from yibao.kernel.money import AMOUNT_LIMIT, FEN_SCALE, Fen, scaled, yuan
from yibao.policy.document import Node
from yibao.policy.parameters import LawError
from yibao.policy.table import Table, choice_of, date_of, decimal_of, proposal

E = TypeVar("E", bound=StrEnum)


def document_node(file: str, document: Any, path: str = "") -> Node:
    """A document as nodes that know their file and path; lists stay as they are."""
    if not isinstance(document, Mapping):
        return Node(file, path, document)
    prefix = f"{path}." if path else ""
    return Node(
        file,
        path,
        {key: document_node(file, value, f"{prefix}{key}") for key, value in document.items()},
    )


def fault(node: Node, reason: str) -> LawError:
    """The error about a value."""
    return LawError(node.file, node.path or "(document)", reason)


def tables_of(node: Node) -> list[Table]:
    """A list of tables (``[[lines]]``), each with its place in the path, counted from 1."""
    if not isinstance(node.value, list) or not all(isinstance(e, Mapping) for e in node.value):
        raise fault(node, "must be a list of tables")
    return [
        Table(document_node(node.file, entry, f"{node.path}[{i}]"))
        for i, entry in enumerate(node.value, 1)
    ]


def scaled_of(node: Node, scale: int) -> int:
    """An exact number with at most so many decimals, as an int of that scale."""
    number = decimal_of(node)
    try:
        return scaled(number, scale)
    except ValueError:
        raise fault(node, f"{number} has more than {scale} decimals") from None


def fen_of(node: Node) -> Fen:
    """An amount in yuan with at most two decimals, as fen."""
    amount = scaled_of(node, FEN_SCALE)
    if abs(amount) > AMOUNT_LIMIT:
        raise fault(node, f"{yuan(amount)} yuan is beyond {yuan(AMOUNT_LIMIT)}")
    return amount


def fen(table: Table, key: str, default: Fen = 0) -> Fen:
    """An amount in yuan that may be left out."""
    node = table.node_of(key)
    return default if node is None else fen_of(node)


def word_of(node: Node) -> str:
    """A code or word, written as text."""
    if not isinstance(node.value, str) or not node.value.strip():
        raise fault(node, f'must be a text in quotes, such as "{_example(node.value)}"')
    if not node.value.isprintable():
        raise fault(node, f"has a character that cannot be printed: {node.value!r}")
    return node.value


def word(table: Table, key: str) -> str | None:
    """A code or word that may be left out."""
    node = table.node_of(key)
    return None if node is None else word_of(node)


def words(table: Table, key: str) -> tuple[str, ...]:
    """A list of codes or words that may be left out."""
    node = table.node_of(key)
    if node is None:
        return ()
    if not isinstance(node.value, list):
        raise fault(node, 'must be a list of texts, such as ["…"]')
    found = tuple(word_of(Node(node.file, node.path, item)) for item in node.value)
    if len(set(found)) != len(found):
        raise fault(node, "names something twice")
    return found


def choice(table: Table, key: str, default: E) -> E:
    """A word of a closed vocabulary that may be left out."""
    node = table.node_of(key)
    return default if node is None else choice_of(node, type(default))


def flag(table: Table, key: str, *, default: bool) -> bool:
    """True or false, or left out."""
    node = table.node_of(key)
    if node is None:
        return default
    if not isinstance(node.value, bool):
        raise fault(node, "must be true or false")
    return node.value


def whole(table: Table, key: str, least: int = 0) -> int | None:
    """A whole number of at least ``least`` that may be left out."""
    node = table.node_of(key)
    if node is None:
        return None
    number = decimal_of(node)
    if number != int(number) or number < least:
        raise fault(node, f"must be a whole number of at least {least}, not {number}")
    return int(number)


def day(table: Table, key: str) -> date | None:
    """A date that may be left out."""
    node = table.node_of(key)
    return None if node is None else date_of(node)


def near_word(node: Node, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse a free word that is nearly one of the law's: it would silently change nothing."""
    vocabulary = sorted(set(known))
    for one in given:
        near = proposal(one, vocabulary)
        if one not in vocabulary and "did you mean" in near:
            raise fault(node, f"the law has no word{near}")


def _example(value: Any) -> str:
    return str(value) if isinstance(value, int | Decimal) else "…"
