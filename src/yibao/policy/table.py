"""Strict reading of a document tree: a key that nobody asks for is an error, with the near key."""

import difflib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from yibao.policy.document import Node
from yibao.policy.model import LawError

E = TypeVar("E", bound=StrEnum)


class Table:
    """A table of the tree being read. Ask for every key it may have, then call ``done``."""

    def __init__(self, node: Node) -> None:
        if not node.is_table:
            raise LawError(node.file, node.path, "must be a table")
        self.node = node
        self.file = node.file
        self.path = node.path
        self._values: Mapping[str, Node] = node.value
        self._known: list[str] = []

    def names(self) -> list[str]:
        """The keys, sorted: the order of keys in a table means nothing."""
        return sorted(self._values)

    def where(self, key: str) -> str:
        """The path of a key."""
        return f"{self.path}.{key}" if self.path else key

    def node_of(self, key: str) -> Node | None:
        """The node of a key, or None."""
        self._known.append(key)
        return self._values.get(key)

    def text(self, key: str) -> str:
        """A text that must be there and not be empty."""
        return text_of(self._required(key))

    def optional_text(self, key: str) -> str | None:
        """A text that may be absent."""
        node = self.node_of(key)
        return None if node is None else text_of(node)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts that must be there."""
        node = self._required(key)
        return texts_of(node)

    def choice(self, key: str, kind: type[E]) -> E:
        """A word of a closed vocabulary."""
        return choice_of(self._required(key), kind)

    def table(self, key: str) -> "Table | None":
        """A table within, or None."""
        node = self.node_of(key)
        return None if node is None else Table(node)

    def tables(self, key: str) -> dict[str, "Table"]:
        """Named tables within, by name; none when the key is absent."""
        table = self.table(key)
        return {} if table is None else {name: Table(table.must(name)) for name in table.names()}

    def must(self, key: str) -> Node:
        """The node of a key that must be there."""
        return self._required(key)

    def done(self) -> None:
        """Refuse every key that was not asked for."""
        for key, node in self._values.items():
            if key not in self._known:
                raise LawError(
                    node.file, self.where(key), f"unknown key{proposal(key, self._known)}"
                )

    def _required(self, key: str) -> Node:
        node = self.node_of(key)
        if node is None:
            near = [k for k in self._values if k not in self._known]
            hint = difflib.get_close_matches(key, near, 1)
            also = f" (did you mean it by {hint[0]!r}?)" if hint else ""
            raise LawError(self.file, self.where(key), f"missing{also}")
        return node


def proposal(word: str, known: list[str]) -> str:
    """`` (did you mean 'source'?)`` when a known word is near."""
    near = difflib.get_close_matches(word, known, 1)
    return f" {word!r} (did you mean {near[0]!r}?)" if near else f" {word!r}"


def entry_tables(node: Node) -> list[Table]:
    """The entries of a dated parameter, each read as a table of its own."""
    if not isinstance(node.value, list) or not all(isinstance(e, dict) for e in node.value):
        raise LawError(node.file, node.path, "must be dated entries, written [[...]] with 'from'")
    return [Table(nested(node, f"{node.path}[{i}]", entry)) for i, entry in enumerate(node.value)]


def nested(owner: Node, path: str, value: Any) -> Node:
    """A plain value of an entry as a node of the owner's file."""
    if isinstance(value, dict):
        return Node(
            owner.file,
            path,
            {key: nested(owner, f"{path}.{key}", child) for key, child in value.items()},
        )
    return Node(owner.file, path, value)


def text_of(node: Node) -> str:
    """A text that is not empty."""
    if not isinstance(node.value, str) or not node.value.strip():
        raise LawError(node.file, node.path, "must be a text that is not empty")
    return node.value


def texts_of(node: Node) -> tuple[str, ...]:
    """A list of texts, none of them twice."""
    value = node.value
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise LawError(node.file, node.path, "must be a list of texts")
    if len(set(value)) != len(value):
        raise LawError(node.file, node.path, "names something twice")
    return tuple(value)


def choice_of(node: Node, kind: type[E]) -> E:
    """A word of a closed vocabulary."""
    words = [member.value for member in kind]
    if node.value not in words:
        near = proposal(str(node.value), words)
        raise LawError(node.file, node.path, f"unknown word{near}; known: {', '.join(words)}")
    return kind(node.value)


def choices_of(node: Node, kind: type[E]) -> tuple[E, ...]:
    """A list of words of a closed vocabulary."""
    return tuple(choice_of(Node(node.file, node.path, word), kind) for word in texts_of(node))


def date_of(node: Node) -> date:
    """A civil date, as TOML writes it or as text."""
    value = node.value
    if type(value) is date:
        return value
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise LawError(node.file, node.path, f"impossible date {value!r}") from None
    raise LawError(node.file, node.path, "must be a date such as 2025-01-01")


def decimal_of(node: Node) -> Decimal:
    """An exact decimal number, as TOML writes it or as text."""
    value = node.value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        number = Decimal(value)
    elif isinstance(value, str):
        number = _decimal_text(node, value)
    else:
        raise LawError(node.file, node.path, "must be a number")
    if not number.is_finite():
        raise LawError(node.file, node.path, f"not a finite number: {value}")
    return number


def _decimal_text(node: Node, text: str) -> Decimal:
    try:
        return Decimal(text)
    except ArithmeticError:
        raise LawError(node.file, node.path, f"not a number: {text!r}") from None
