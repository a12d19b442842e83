"""Reads dialect files, strictly: an unknown key, a wrong type or a value without origin is a fault.

Each value is written with where it comes from::

    [answers]
    code = { value = "number", confidence = "A", source = "S N G" }

``general.toml`` says every value; a province's file says what differs from it.
"""

import tomllib
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

from yibao.gateway.dialects.model import (
    AnswerForm,
    Casing,
    CipherMode,
    CodeForm,
    Dialect,
    EnvelopeSigning,
    FamilyPay,
    MessageIdRule,
    Provenance,
    ReferenceRule,
    RequestForm,
    Security,
)
from yibao.policy.model import OverLimit
from yibao.settlement.model import Practice, SerialScope, UnknownItems

CONFIDENCES = ("A", "B", "C", "inferred")
BASE = "general"

E = TypeVar("E", bound=StrEnum)
Read = Callable[[Any], Any]


class DialectError(Exception):
    """A dialect file cannot be used; the text names file, key and reason."""

    def __init__(self, file: str, key: str, reason: str) -> None:
        super().__init__(f"{file}: {key}: {reason}")


@cache
def dialects() -> Mapping[str, Dialect]:
    """The packaged dialects by name."""
    return load_dialects(resources.files("yibao.gateway.dialects"))


def load_dialects(folder: Traversable) -> dict[str, Dialect]:
    """Every dialect of a folder; raises DialectError for the first that cannot be used."""
    files = {entry.name[:-5]: entry for entry in folder.iterdir() if entry.name.endswith(".toml")}
    if BASE not in files:
        raise DialectError(f"{BASE}.toml", "-", "the folder has no such file")
    base = _values(f"{BASE}.toml", files[BASE].read_text(encoding="utf-8"))
    _check_whole(base)
    found: dict[str, Dialect] = {}
    spoken: dict[str, str] = {}
    for name in sorted(files):
        values = _values(f"{name}.toml", files[name].read_text(encoding="utf-8"))
        found[name] = dialect = _dialect(name, base, values)
        for division in dialect.divisions:
            if division in spoken:
                reason = f"{division} is {spoken[division]}'s already"
                raise DialectError(f"{name}.toml", "divisions", reason)
            spoken[division] = name
    return found


# ------------------------------------------------------------------------------------------ values


def _text(value: Any) -> str:
    if type(value) is not str:
        raise ValueError("must be text")
    return value


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError("must be true or false")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if type(value) is not list:
        raise ValueError("must be a list of texts")
    return tuple(_text(one) for one in value)


def _fen(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("must be a whole number of fen, 0 or more")
    return value


def _one_of(kind: type[E]) -> Callable[[Any], E]:
    def read(value: Any) -> E:
        try:
            return kind(value)
        except ValueError:
            raise ValueError(f"must be one of {', '.join(one.value for one in kind)}") from None

    return read


def _names(value: Any) -> dict[str, str]:
    if type(value) is not dict:
        raise ValueError("must be a table of names")
    return {name: _text(other) for name, other in value.items()}


def _roots(value: Any) -> dict[str, dict[str, str]]:
    if type(value) is not dict:
        raise ValueError("must be a table of tables of names")
    return {number: _names(names) for number, names in value.items()}


def _synonyms(value: Any) -> tuple[frozenset[str], ...]:
    if type(value) is not list:
        raise ValueError("must be a list of lists of names")
    groups = tuple(frozenset(_texts(group)) for group in value)
    names = [name for group in groups for name in group]
    if len(names) != len(set(names)) or any(len(group) < 2 for group in groups):
        raise ValueError("each name stands in one group, each group has two names or more")
    return groups


def _nothing_or(read: Read) -> Read:
    """TOML has no null: "none" stands for it."""

    def of(value: Any) -> Any:
        return None if value == "none" else read(value)

    return of


def _code(value: Any) -> int:
    if type(value) is not int or value == 0:
        raise ValueError("must be a whole number other than 0")
    return value


def _extras(value: Any) -> dict[str, str | None]:
    return {name: None if text == "none" else text for name, text in _names(value).items()}


def _approvals(value: Any) -> dict[str, bool | None]:
    meaning = {"not_needed": None, "approved": True, "refused": False}
    names = _names(value)
    if not set(names.values()) <= set(meaning):
        raise ValueError(f"each flag means one of {', '.join(meaning)}")
    return {flag: meaning[text] for flag, text in names.items()}


def _frozen(value: Any) -> frozenset[str]:
    return frozenset(_texts(value))


_SECTIONS: dict[str, dict[str, Read]] = {
    "transport": {"headers": _texts, "urls": _texts},
    "requests": {
        "message_id": _one_of(MessageIdRule),
        "casing": _one_of(Casing),
        "synonyms": _synonyms,
        "roots": _roots,
        "query": _frozen,
    },
    "answers": {
        "code": _one_of(CodeForm),
        "success_text": _nothing_or(_text),
        "refusal_code": _nothing_or(_code),
        "reference": _one_of(ReferenceRule),
        "output_as_text": _flag,
        "casing": _one_of(Casing),
        "renamed": _names,
        "added": _names,
        "account_in_funds": _flag,
        "family_pay": _one_of(FamilyPay),
        "extras": _extras,
    },
    "security": {
        "envelope_signing": _one_of(EnvelopeSigning),
        "unsigned_fields": _frozen,
        "user_id": _text,
        "sign_answers": _flag,
        "content_mode": _one_of(CipherMode),
    },
    "practice": {
        "line_tolerance": _fen,
        "unknown_items": _one_of(UnknownItems),
        "own_expense_codes": _frozen,
        "approvals": _approvals,
        "serials": _one_of(SerialScope),
        "over_limit": _nothing_or(_one_of(OverLimit)),
    },
    "filing": {"agents_checked": _flag},
}


class _Values:
    """What one file says: its head, and each value with its origin."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.title = ""
        self.divisions: tuple[str, ...] = ()
        self.values: dict[str, Any] = {}
        self.origins: dict[str, Provenance] = {}


def _values(file: str, text: str) -> _Values:
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DialectError(file, "-", f"not TOML: {error}") from None
    found = _Values(file)
    for key, content in tree.items():
        if key == "title":
            found.title = _read(file, key, _text, content)
        elif key == "divisions":
            found.divisions = _read(file, key, _texts, content)
        elif key in _SECTIONS and type(content) is dict:
            for name, entry in content.items():
                _take(found, f"{key}.{name}", _SECTIONS[key].get(name), entry)
        else:
            known = ", ".join(["title", "divisions", *_SECTIONS])
            raise DialectError(file, key, f"unknown; known are {known}")
    if not found.title:
        raise DialectError(file, "title", "missing: the province's name")
    if any(not (d.isdigit() and len(d) in (2, 4, 6)) for d in found.divisions):
        raise DialectError(file, "divisions", "each is 2, 4 or 6 digits")
    return found


def _take(found: _Values, key: str, read: Read | None, entry: Any) -> None:
    if read is None:
        section = key.partition(".")[0]
        known = ", ".join(_SECTIONS[section])
        raise DialectError(found.file, key, f"unknown; known are {known}")
    if type(entry) is not dict or set(entry) != {"value", "confidence", "source"}:
        raise DialectError(found.file, key, "needs value, confidence and source, nothing else")
    if entry["confidence"] not in CONFIDENCES:
        reason = f"confidence is one of {', '.join(CONFIDENCES)}"
        raise DialectError(found.file, key, reason)
    found.values[key] = _read(found.file, key, read, entry["value"])
    source = _read(found.file, key, _text, entry["source"])
    found.origins[key] = Provenance(entry["confidence"], source)


def _read(file: str, key: str, read: Read, value: Any) -> Any:
    try:
        return read(value)
    except ValueError as reason:
        raise DialectError(file, key, str(reason)) from None


def _check_whole(base: _Values) -> None:
    """The base must say everything, so that no value is nobody's."""
    for section, names in _SECTIONS.items():
        for name in names:
            if f"{section}.{name}" not in base.values:
                raise DialectError(base.file, f"{section}.{name}", "missing")


def _dialect(name: str, base: _Values, own: _Values) -> Dialect:
    values = base.values | own.values

    def section(title: str) -> dict[str, Any]:
        return {key: values[f"{title}.{key}"] for key in _SECTIONS[title]}

    return Dialect(
        name=name,
        title=own.title,
        divisions=own.divisions,
        **section("transport"),
        requests=RequestForm(**section("requests")),
        answers=AnswerForm(**section("answers")),
        security=Security(**section("security")),
        practice=Practice(**section("practice")),
        **section("filing"),
        provenance=base.origins | own.origins,
    )
