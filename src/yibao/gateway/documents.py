"""Messages that are kept as they were sent: any node, every field, checked where it is known.

A field whose name the tables give one kind everywhere is read by it, with the longest length they
allow; it is kept as its exact text (amounts as decimal digits), so that it can be answered again.
Anything else is kept untouched: provinces add fields and nodes of their own.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from msgspec import Raw

from yibao.gateway.context import Call
from yibao.gateway.dialects.adaption import adaption_of
from yibao.gateway.reading import ABSENT, Convert, Violation, converter, decode_json
from yibao.gateway.tables import Field, tables
from yibao.gateway.writing import moment
from yibao.kernel.money import unscaled
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.registry.dictionaries.service import tables as code_tables

Fields = dict[str, Any]
"""One object of a node, its values plain JSON."""

DEEPEST = 8
"""Objects inside objects beyond this are no record of anything."""
INSTITUTION = "fixmedins_code"
_KINDS = ("C", "N", "D", "DT")


@dataclass(frozen=True, slots=True)
class _Known:
    """What the tables say of a field name, taken together."""

    label: str
    kind: str
    scale: int
    convert: Convert


# ------------------------------------------------------------------------------------------- fields


@cache
def _known() -> Mapping[str, _Known]:
    found: dict[str, list[Field]] = defaultdict(list)
    for table in tables().transactions.values():
        for node in (*table.input, *table.output):
            for field in node.fields:
                found[field.name].append(field)
    return {name: known for name, fields in found.items() if (known := _together(fields))}


def _together(fields: Sequence[Field]) -> _Known | None:
    """One rule that no table is stricter than; None when the tables disagree on the kind."""
    typed = [field for field in fields if field.kind in _KINDS]
    kinds = {field.kind for field in typed}
    kind = "DT" if kinds == {"D", "DT"} else kinds.pop() if len(kinds) == 1 else ""
    if not kind:
        return None
    label = next((field.label for field in fields if field.label), "")
    codes = {field.codes for field in typed}
    length = _longest(kind, [field.length for field in typed])
    field = Field(
        typed[0].name, label, kind, length, "N", codes.pop() if len(codes) == 1 else "", "i"
    )
    scale = int(length.partition(",")[2] or 0) if kind == "N" else 0
    return _Known(label, kind, scale, converter(field, code_tables(), of_one_bill=False))


def _longest(kind: str, lengths: Sequence[str]) -> str:
    if "" in lengths or kind in ("D", "DT"):
        return "18,6" if kind == "N" else ""
    if kind == "C":
        return str(max(int(length.partition(",")[0]) for length in lengths))
    scales = [int(length.partition(",")[2] or 0) for length in lengths]
    wholes = [
        int(length.partition(",")[0]) - scale for length, scale in zip(lengths, scales, strict=True)
    ]
    return f"{max(wholes) + max(scales)},{max(scales)}"


def _text(known: _Known, value: Any) -> str:
    """A read value as its exact text."""
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int) and known.scale:
        return unscaled(value, known.scale)
    return str(value)


# ------------------------------------------------------------------------------------------ reading


def document_of(call: Call) -> Fields:
    """The whole ``input`` of a call as it is kept, in the tables' spelling; or Refused."""
    adaption = adaption_of(call.dialect, call.progress.transaction)
    return read_document(adaption.adapt(call.envelope.input))


def read_document(sent: Any) -> Fields:
    """``input`` as it is kept; Refused with the first field that breaks its rule."""
    if type(sent) is str and sent.strip() not in ABSENT:
        sent = _decoded(sent, "input")
    if sent is None or type(sent) is str:
        sent = {}
    if type(sent) is not dict:
        raise Refused(RefusalCode.FIELD_INVALID, "input（交易输入）应为一个对象", "input")
    return _object(sent, "", 0)


def _object(sent: Mapping[str, Any], place: str, depth: int) -> Fields:
    if depth > DEEPEST:
        raise Refused(RefusalCode.FIELD_INVALID, f"{place[:60]} 嵌套过深", place[:60])
    read: Fields = {}
    for name, raw in sent.items():
        where = f"{place}.{name}" if place else name
        value = _value(name, raw, where, depth)
        if value is not None:
            read[name] = value
    return read


def _value(name: str, raw: Any, where: str, depth: int) -> Any:
    if type(raw) is dict:
        return _object(raw, where, depth + 1)
    if type(raw) is list:
        return [_value("", one, f"{where}[{i}]", depth + 1) for i, one in enumerate(raw, 1)]
    if raw is None or (type(raw) is str and raw.strip() in ABSENT):
        return None
    if type(raw) is str and depth == 0 and raw.lstrip()[:1] in ("{", "["):
        return _value(name, _decoded(raw, where), where, depth)  # a node as JSON text
    known = _known().get(name)
    if known is None:
        return raw
    try:
        return _text(known, known.convert(raw))
    except Violation as violation:
        shown = f"（{known.label}）" if known.label else ""
        raise Refused(violation.code, f"{where}{shown}{violation.rule}", where) from None


def _decoded(text: str, place: str) -> Any:
    try:
        return decode_json(text)
    except ValueError:
        raise Refused(
            RefusalCode.FIELD_INVALID, f"{place} 应为对象或内容为JSON对象的文本", place
        ) from None


# ---------------------------------------------------------------------------------------- searching


def objects(content: Any) -> Iterator[Fields]:
    """Every object of a document, outer ones first."""
    if isinstance(content, list):
        for one in content:
            yield from objects(one)
    elif isinstance(content, dict):
        yield content
        for value in content.values():
            yield from objects(value)


def values_of(content: Fields, name: str) -> list[str]:
    """The different values that a field has anywhere in a document, in order."""
    found = (one[name] for one in objects(content) if isinstance(one.get(name), str | int))
    return list(dict.fromkeys(str(value) for value in found))


def the_value_of(content: Fields, name: str, label: str) -> str | None:
    """The one value of a field that a document may have only one of; None when it has none."""
    values = values_of(content, name)
    if len(values) > 1:
        raise Refused(RefusalCode.FIELD_INVALID, f"{name}（{label}）在一次上传中只能有一个值", name)
    return values[0] if values else None


def check_institution(call: Call, content: Fields) -> None:
    """Refuse a document that names another institution as its own."""
    for code in values_of(content, INSTITUTION):
        if code != call.institution.code:
            raise Refused(
                RefusalCode.INSTITUTION_NOT_ALLOWED,
                f"{INSTITUTION}（定点医药机构编号）{code} 与报文的机构不一致",
                INSTITUTION,
            )


# ------------------------------------------------------------------------------------------ writing


def written(content: Any, name: str = "") -> Any:
    """Kept content as it goes into an answer: numbers as numbers, everything else as kept."""
    if isinstance(content, Mapping):
        return {key: written(value, key) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [written(one) for one in content]
    known = _known().get(name)
    if known is not None and known.kind == "N" and isinstance(content, str):
        return Raw(content.encode())
    return content
