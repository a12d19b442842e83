"""A message held against the table of its transaction: each field sent, read as, rule, verdict."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any

from yibao.gateway.reading import ABSENT, Convert, Violation, converter, decode_json
from yibao.gateway.tables import Field, Node, tables
from yibao.kernel.money import unscaled
from yibao.kernel.periods import local_time
from yibao.registry.dictionaries import service as dictionaries

ROWS_SHOWN = 20
"""Rows of a list that are shown whole; a bill may have thousands of lines."""
_LONGEST_SHOWN = 400


class Verdict(StrEnum):
    """What became of one field."""

    READ = "read"
    ABSENT = "absent"
    """Not sent, and it need not be."""
    MISSING = "missing"
    """Not sent, and enforced."""
    BROKEN = "broken"
    """Sent, and against its rule."""
    REFUSED = "refused"
    """The field that the server refused the message for."""
    IGNORED = "ignored"
    """Sent, and in no table."""


@dataclass(frozen=True, slots=True)
class FieldReport:
    """One field of one row."""

    name: str
    label: str
    sent: str
    read: str
    rule: str
    codes: str
    """Name of the code table, or ""."""
    verdict: Verdict
    why: str = ""


@dataclass(frozen=True, slots=True)
class RowReport:
    """One object of a node."""

    place: str
    """``feedetail[3]``."""
    fields: tuple[FieldReport, ...]
    unsent: tuple[str, ...]
    """Names of fields that were not sent and need not be."""


@dataclass(frozen=True, slots=True)
class Examination:
    """All rows of a message, as far as they are shown."""

    rows: tuple[RowReport, ...]
    hidden: int
    """Rows that are not shown."""


def examine(number: str, body: bytes | None, refused_field: str) -> Examination | None:
    """The report on a request body; None when the transaction or the body cannot be read.

    ``refused_field`` is the official path of the field that the server refused, or "".
    """
    table = tables().find(number)
    sent = _input_of(body)
    if table is None or sent is None:
        return None
    rows: list[RowReport] = []
    hidden = 0
    for place, node, row, order in _rows(table.input, sent):
        refused = _below(refused_field, place)
        if order >= ROWS_SHOWN and not refused:
            hidden += 1
            continue
        inner = {other.name.rpartition(".")[2] for other in table.input if _lies_in(other, node)}
        rows.append(_examine_row(place, node, row, refused, inner))
    return Examination(tuple(rows), hidden)


def _input_of(body: bytes | None) -> Mapping[str, Any] | None:
    try:
        sent = decode_json((body or b"").removeprefix(b"\xef\xbb\xbf"))
        content = sent.get("input") if isinstance(sent, dict) else None
        if isinstance(content, str):
            content = decode_json(content)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _rows(
    nodes: Sequence[Node], sent: Mapping[str, Any], below: str = "", within: str = ""
) -> Iterator[tuple[str, Node, Mapping[str, Any], int]]:
    """Every object of every node: its place, node, content, and its order in a list."""
    for node in nodes:
        parent, _, name = node.name.rpartition(".")
        if parent != below:
            continue
        place = f"{within}.{name}" if within else name
        content = _decoded(sent.get(name))
        if node.many:
            listed = content if isinstance(content, list) else [] if content is None else [content]
            objects = [(f"{place}[{i}]", one) for i, one in enumerate(listed, 1)]
        else:
            single = isinstance(content, list) and len(content) == 1
            objects = [(place, content[0] if single and isinstance(content, list) else content)]
        for order, (spot, one) in enumerate(objects):
            row = one if isinstance(one, dict) else {}
            yield spot, node, row, order
            yield from _rows(nodes, row, node.name, spot)


def _decoded(content: Any) -> Any:
    if isinstance(content, str):
        try:
            return None if content.strip() in ABSENT else decode_json(content)
        except ValueError:
            return None
    return content


def _below(path: str, place: str) -> str:
    """The field's name when ``path`` lies directly in the object at ``place``."""
    start, _, name = path.rpartition(".")
    return name if start == place else ""


def _lies_in(inner: Node, outer: Node) -> bool:
    return inner.name.rpartition(".")[0] == outer.name


def _examine_row(
    place: str, node: Node, row: Mapping[str, Any], refused: str, inner: Set[str]
) -> RowReport:
    reports: list[FieldReport] = []
    unsent: list[str] = []
    for field in node.fields:
        report = _examine_field(field, row.get(field.name), refused=field.name == refused)
        if report.verdict is Verdict.ABSENT:
            unsent.append(field.name)
        else:
            reports.append(report)
    known = {field.name for field in node.fields} | inner
    reports += [
        FieldReport(name, "", _shown(raw), "", "", "", Verdict.IGNORED)
        for name, raw in row.items()
        if name not in known and not isinstance(raw, dict | list)
    ]
    return RowReport(place, tuple(reports), tuple(unsent))


def _examine_field(field: Field, raw: Any, *, refused: bool) -> FieldReport:
    absent = raw is None or (isinstance(raw, str) and raw.strip() in ABSENT)
    read = why = ""
    if absent:
        verdict = Verdict.MISSING if field.enforced else Verdict.ABSENT
    else:
        try:
            read = _read_as(field, _converter(field)(raw))
            verdict = Verdict.READ
        except Violation as violation:
            verdict, why = Verdict.BROKEN, violation.rule
    if refused:
        verdict = Verdict.REFUSED
    return FieldReport(
        name=field.name,
        label=field.label,
        sent="" if raw is None else _shown(raw),
        read=read,
        rule=rule_of(field),
        codes=field.codes,
        verdict=verdict,
        why=why,
    )


@cache
def _converter(field: Field) -> Convert:
    return converter(field, dictionaries.tables(), of_one_bill=False)


def _read_as(field: Field, value: Any) -> str:
    if isinstance(value, datetime):
        return f"{local_time(value):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int):
        _, _, decimals = field.length.partition(",")
        return unscaled(value, int(decimals)) if decimals else str(value)
    label = dictionaries.label(field.codes, value) if field.codes else None
    return f"{value} {label}" if label else _shown(value)


def rule_of(field: Field) -> str:
    """A field's rule in short: ``C 30 Y`` and how sure that is."""
    need = {"Y": "Y!" if field.enforced else "Y", "N": "", "?": "?"}.get(field.required, "")
    return " ".join(part for part in (field.kind or "?", field.length, need) if part)


def _shown(raw: Any) -> str:
    text = raw if isinstance(raw, str) else repr(raw) if isinstance(raw, float) else str(raw)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
