"""Strict reading of a document tree: a key that nobody asks for is an error, with the near key."""

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from yibao.policy.document import Node
from yibao.policy.parameters import LawError

E = TypeVar("E", bound=StrEnum)

_DIGITS_MOST = 15
"""Digits of a number, before and after the point: a law has none of more, and may not hang us."""

_SHOWN_MOST = 24
"""Characters of a number that a message repeats."""


_NEAR_ENOUGH = 13 / 20
"""Of a key that may stand for a missing one: it may be a good key that was not asked for yet."""

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,4})?")


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

    def error(self, key: str, reason: str) -> LawError:
        """What is wrong with a key, naming the file that it stands in."""
        node = self._values.get(key)
        return LawError(self.file if node is None else node.file, self.where(key), reason)

    def node_of(self, key: str) -> Node | None:
        """The node of a key, or None."""
        self._known.append(key)
        return self._values.get(key)

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty; it must be there when there is no default."""
        node = self.node_of(key)
        if node is None and default is not None:
            return default
        return text_of(node or self.must(key))

    def optional_text(self, key: str) -> str | None:
        """A text that may be absent."""
        node = self.node_of(key)
        return None if node is None else text_of(node)

    def texts(self, key: str, default: Sequence[str] | None = None) -> tuple[str, ...]:
        """A list of texts, none of them twice; it must be there when there is no default."""
        node = self.node_of(key)
        if node is None and default is not None:
            return tuple(default)
        return texts_of(node or self.must(key))

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        node = self.node_of(key)
        if node is None:
            return default
        if not isinstance(node.value, bool):
            raise LawError(node.file, node.path, "must be true or false")
        return node.value

    def choice(self, key: str, kind: type[E], default: E | None = None) -> E:
        """A word of a closed vocabulary; it must be there when there is no default."""
        node = self.node_of(key)
        if node is None and default is not None:
            return default
        return choice_of(node or self.must(key), kind)

    def table(self, key: str) -> "Table | None":
        """A table within, or None."""
        node = self.node_of(key)
        return None if node is None else Table(node)

    def tables(self, key: str) -> dict[str, "Table"]:
        """Named tables within, by name; none when the key is absent."""
        table = self.table(key)
        if table is None:
            return {}
        return {name: Table(table.must(named(table, name))) for name in table.names()}

    def must(self, key: str) -> Node:
        """The node of a key that must be there."""
        node = self.node_of(key)
        if node is None:
            near = [k for k in self._values if k not in self._known]
            hint = difflib.get_close_matches(key, near, 1, _NEAR_ENOUGH)
            also = f" (did you mean it by {hint[0]!r}?)" if hint else ""
            raise LawError(self.file, self.where(key), f"missing{also}")
        return node

    def done(self) -> None:
        """Refuse every key that was not asked for."""
        known = sorted(set(self._known))
        for key in self._values:
            if key not in known:
                raise self.error(
                    key, f"unknown key{proposal(key, known)}; known: {', '.join(known)}"
                )


def named(table: Table, name: str) -> str:
    """A name of the law's own choice: a word, so that paths and counters can be told by it."""
    if not re.fullmatch(r"[\w-]+", name) or name == "value":
        raise table.error(name, f"{name!r} cannot be a name: letters, digits, _ and - only")
    return name


def proposal(word: str, known: Sequence[str]) -> str:
    """`` 'sourc' (did you mean 'source'?)`` when a known word is near, else the word alone."""
    near = difflib.get_close_matches(word, known, 1)
    return f" {word!r} (did you mean {str(near[0])!r}?)" if near else f" {word!r}"


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


def known_word(node: Node, word: str, known: Sequence[str], what: str = "word") -> str:
    """The word, if it is a known one."""
    if word not in known:
        reason = f"unknown {what}{proposal(word, known)}; known: {', '.join(known) or 'none'}"
        raise LawError(node.file, node.path, reason)
    return word


def choice_of(node: Node, kind: type[E]) -> E:
    """A word of a closed vocabulary."""
    return kind(known_word(node, str(node.value), [member.value for member in kind]))


def choices_of(node: Node, kind: type[E]) -> tuple[E, ...]:
    """A list of words of a closed vocabulary."""
    return tuple(choice_of(Node(node.file, node.path, word), kind) for word in texts_of(node))


def date_of(node: Node) -> date:
    """A civil date, as TOML writes it or as text."""
    value = node.value
    if isinstance(value, date) and not isinstance(value, datetime):
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
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int), "a finite number has an exponent"
    if number.adjusted() > _DIGITS_MOST or exponent < -_DIGITS_MOST:
        raise LawError(
            node.file, node.path, f"{_shortened(value)} has more than {_DIGITS_MOST} digits"
        )
    return number


def whole_of(node: Node) -> int:
    """A whole number that is not negative."""
    number = decimal_of(node)
    if number != int(number) or number < 0:
        raise LawError(node.file, node.path, f"must be a whole number from 0 on, not {node.value}")
    return int(number)


def _decimal_text(node: Node, text: str) -> Decimal:
    """Plain digits alone: ``Decimal`` would take ``1_000`` and digits of any script, too."""
    if text.lower().lstrip("-") in ("nan", "inf", "infinity"):
        raise LawError(node.file, node.path, f"not a finite number: {text}")
    if _NUMBER.fullmatch(text) is None:
        raise LawError(node.file, node.path, f"not a number: {text!r}{_of_percent(text)}")
    return Decimal(text)


def _of_percent(text: str) -> str:
    """How a percentage is written instead."""
    percent = re.fullmatch(r"(-?[0-9]+(\.[0-9]+)?) *[%％]", text)
    if percent is None:
        return ""
    share = Decimal(percent[1]).scaleb(-2)
    return f"; write {share:f}"


def _shortened(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN_MOST else f"{text[:_SHOWN_MOST]}…"
