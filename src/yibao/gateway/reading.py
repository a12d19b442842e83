"""Tolerant, typed reading of ``input`` by the field tables.

Tolerant in form: numbers or text, "", "null" or null for what is missing, one object where a list
is meant and the reverse, code ``1`` for ``01`` where a closed code table makes it lossless, unknown
fields ignored. Strict in content: enforced fields, lengths, digits, dates and closed codes, each
violation a refusal that names ``node.field``, the Chinese label and the rule.

A node's reader is compiled once from its table into plain tuples; a number is read from its digits
into a whole number of its scale (a ``16,2`` amount into fen), never through a float.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import msgspec

from yibao.gateway.tables import Field, Node
from yibao.kernel.money import AMOUNT_LIMIT
from yibao.kernel.periods import instant_of
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.registry.dictionaries.model import CodeTable

Row = dict[str, Any]
"""A read node: official names, only fields that were sent; C text, N int of the field's scale,
D date, DT aware instant."""

Input = dict[str, Any]
"""A read ``input``: a row, or a list of rows, by node name."""

_PLAIN_NUMBER = re.compile(r"(-?)(\d{1,18})(?:\.(\d{1,18}))?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_TIME_REST = re.compile(r"\.\d{1,9}", re.ASCII)
ABSENT = frozenset({"", "null", "NULL"})
"""Texts that stand for a missing value."""
_FIRST_YEAR, _LAST_YEAR = 1900, 2199
_LONGEST_TEXT = 4000
_AMOUNT_FORM = "16,2"
_LONGEST_LISTING = 60


class Violation(Exception):  # noqa: N818 - becomes a refusal once the field's place is known
    """A value breaks its field's rule."""

    def __init__(self, code: RefusalCode, rule: str) -> None:
        self.code = code
        self.rule = rule
        super().__init__(rule)


Convert = Callable[[Any], Any]


# ---------------------------------------------------------------------------------- single values


def read_text(raw: Any, longest: int = _LONGEST_TEXT) -> str:
    """Text from text or number, trimmed."""
    if type(raw) is not str:
        if type(raw) is not int:
            raise Violation(RefusalCode.FIELD_INVALID, "应为文本")
        raw = str(raw)
    text: str = raw.strip()
    if len(text) > longest:
        raise Violation(RefusalCode.FIELD_TOO_LONG, f"长度不得超过{longest}，实为{len(text)}")
    if not text.isprintable() and _CONTROL.search(text):
        raise Violation(RefusalCode.FIELD_INVALID, "不得含控制字符")
    return text


def read_number(raw: Any, digits: int, scale: int) -> int:
    """A whole number of ``10**-scale`` from a number or decimal text, no digit lost."""
    if type(raw) is int:
        value: int = raw * _SCALES[scale]
        if abs(value) >= 10**digits:
            raise Violation(RefusalCode.FIELD_TOO_LONG, f"不得超过{digits}位数字")
        return value
    if type(raw) is not str:
        raise Violation(RefusalCode.FIELD_INVALID, "应为数字")
    match = _PLAIN_NUMBER.fullmatch(raw) or _PLAIN_NUMBER.fullmatch(_plain(raw.strip()))
    if match is None:
        raise Violation(RefusalCode.FIELD_TOO_LONG, f"不得超过{digits}位数字")
    sign, whole, fraction = match.groups()
    if fraction is None:
        value = int(whole) * _SCALES[scale]
    else:
        if len(fraction) > scale:
            fraction = fraction.rstrip("0")
            if len(fraction) > scale:
                rule = f"最多{scale}位小数" if scale else "应为整数"
                raise Violation(RefusalCode.FIELD_INVALID, rule)
        value = int(whole) * _SCALES[scale] + int(fraction or 0) * _SCALES[scale - len(fraction)]
    if value >= 10**digits:
        raise Violation(RefusalCode.FIELD_TOO_LONG, f"不得超过{digits}位数字")
    return -value if sign else value


_SCALES = tuple(10**scale for scale in range(19))


def _plain(text: str) -> str:
    """Other spellings of a number (``1e2``, ``+5``, ``.5``) in plain digits."""
    try:
        value = Decimal(text) if text.isascii() and "_" not in text else Decimal("NaN")
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise Violation(RefusalCode.FIELD_INVALID, "应为数字")
    if abs(value.adjusted()) > 18 and value:  # a huge exponent must not be written out
        raise Violation(RefusalCode.FIELD_TOO_LONG, "数字过长")
    return format(value if value else Decimal(0), "f")


def read_date(raw: Any) -> date:
    """A civil date ``yyyy-MM-dd``; a time of day behind it is dropped."""
    local = _local(raw.strip()) if type(raw) is str else None
    if local is None:
        raise Violation(RefusalCode.FIELD_INVALID, "日期格式应为yyyy-MM-dd")
    return local.date()


def read_time(raw: Any) -> datetime:
    """An aware UTC instant from ``yyyy-MM-dd HH:mm:ss`` (also ``T``; a bare date is midnight)."""
    instant = _instant(raw.strip()) if type(raw) is str else None
    if instant is None:
        raise Violation(RefusalCode.FIELD_INVALID, "时间格式应为yyyy-MM-dd HH:mm:ss")
    return instant


@lru_cache(maxsize=512)  # the lines of a bill repeat their times
def _instant(text: str) -> datetime | None:
    local = _local(text)
    return None if local is None else instant_of(local)


def _local(text: str) -> datetime | None:
    if len(text) > 19 and _TIME_REST.fullmatch(text, 19):
        text = text[:19]
    if len(text) == 10:
        text += " 00:00:00"
    if (
        len(text) == 19
        and text.isascii()
        and text[4] == text[7] == "-"
        and text[10] in " T"
        and text[13] == text[16] == ":"
    ):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        if _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            return moment
    return None


# ------------------------------------------------------------------------------------- converters


def converter(field: Field, codes: Mapping[str, CodeTable], *, of_one_bill: bool = True) -> Convert:
    """The function that reads one field; ``of_one_bill`` sets the limit of amounts."""
    if field.kind == "N":
        return _number_converter(field.length, of_one_bill=of_one_bill)
    if field.kind == "D":
        return read_date
    if field.kind == "DT":
        return read_time
    if _is_closed(field, codes):
        return _code_converter(codes[field.codes], _text_length(field))
    if field.kind in ("C", ""):
        return _text_converter(_text_length(field))
    return _as_sent


def _is_closed(field: Field, codes: Mapping[str, CodeTable]) -> bool:
    return field.codes in codes and not codes[field.codes].open


def _text_length(field: Field) -> int:
    return int(field.length) if field.length.isdigit() else _LONGEST_TEXT


def _as_sent(raw: Any) -> Any:
    return raw


def _text_converter(longest: int) -> Convert:
    def convert(raw: Any) -> str:
        return read_text(raw, longest)

    return convert


def _number_converter(length: str, *, of_one_bill: bool) -> Convert:
    digits_text, _, scale_text = length.partition(",")
    digits, scale = int(digits_text or 18), int(scale_text or 0)
    limit = AMOUNT_LIMIT if of_one_bill and length == _AMOUNT_FORM else 10**digits

    def convert(raw: Any) -> int:
        value = read_number(raw, digits, scale)
        if abs(value) > limit:
            raise Violation(RefusalCode.AMOUNT_OUT_OF_RANGE, "金额绝对值不得超过100000000.00元")
        return value

    return convert


def _code_converter(table: CodeTable, longest: int) -> Convert:
    known = _listed_codes(table)
    by_number: dict[str, set[str]] = {}
    for value in known:
        by_number.setdefault(value.lstrip("0"), set()).add(value)
    spellings = {key: values.pop() for key, values in by_number.items() if len(values) == 1}
    listed = "、".join(entry.value for entry in table.values)
    rule = f"应为{listed}" if len(listed) <= _LONGEST_LISTING else f"应为代码表{table.name}内的值"

    def convert(raw: Any) -> str:
        text = read_text(raw, longest)
        if text in known:
            return text
        spelled = spellings.get(text.lstrip("0"))
        if spelled is not None:
            return spelled
        if table.confidence == "A" and not table.allows(text):
            raise Violation(RefusalCode.FIELD_INVALID, f"代码“{text[:20]}”无效，{rule}")
        return text

    return convert


def _listed_codes(table: CodeTable) -> frozenset[str]:
    return frozenset(entry.value for entry in table.values if not entry.is_pattern)


_MOST_KNOWN = 256
_LONGEST_KNOWN = 32


def _known_values(field: Field, codes: Mapping[str, CodeTable]) -> dict[str, Any]:
    """What texts of a field that is no plain text mean: its listed codes, and what comes to it."""
    if not _is_closed(field, codes):
        return {}
    return {code: code for code in _listed_codes(codes[field.codes])}


def _remember(known: dict[str, Any], raw: str, value: Any) -> None:
    """Keep what a number, time or code was read as: bills repeat their prices and times."""
    if len(raw) <= _LONGEST_KNOWN:
        if len(known) >= _MOST_KNOWN:
            known.clear()
        known[raw] = value


# ------------------------------------------------------------------------------------------ nodes


class NodeReader:
    """Reads the objects of one node."""

    def __init__(
        self,
        node: Node,
        codes: Mapping[str, CodeTable],
        inner: Sequence[Node] = (),
        *,
        of_one_bill: bool = True,
    ) -> None:
        """``inner`` are all nodes of the transaction that lie inside this one, at any depth."""
        self.name = node.name.rpartition(".")[2]
        self.many = node.many
        self._inner = _readers(inner, codes, below=node.name, of_one_bill=of_one_bill)
        inside = {reader.name for reader in self._inner}
        self._labels = {field.name: field.label for field in node.fields}
        # Plain text (its longest length, else 0) and what is ``known`` are read in the loop itself,
        # everything else by its converter.
        self._plan = tuple(
            (
                field.name,
                0 if field.kind != "C" or _is_closed(field, codes) else _text_length(field),
                _known_values(field, codes),
                converter(field, codes, of_one_bill=of_one_bill),
                field.enforced,
            )
            for field in node.fields
            if field.name not in inside  # a table may list a node as a field as well
        )

    def read(self, sent: Any, within: str = "") -> Row | list[Row]:
        """The node as a row, or as a list of rows where the table says so.

        ``within`` is the place of the object that holds it, for refusals.
        """
        name = f"{within}.{self.name}" if within else self.name
        if type(sent) is str:
            sent = None if sent.strip() in ABSENT else _decode_text(sent, name)
        if self.many:
            objects = [] if sent is None else sent if type(sent) is list else [sent]
            return [self._row(one, f"{name}[{place}]") for place, one in enumerate(objects, 1)]
        if type(sent) is list and len(sent) == 1:
            sent = sent[0]
        return self._row({} if sent is None else sent, name)

    def _row(self, sent: Any, place: str) -> Row:  # noqa: C901 - the hot loop, kept in one piece
        if type(sent) is not dict:
            raise Refused(RefusalCode.FIELD_INVALID, f"{place} 应为一个对象", place)
        row: Row = {}
        for name, longest, known, convert, enforced in self._plan:
            raw = sent.get(name)
            if raw is not None and raw != "":
                if type(raw) is str:
                    if longest:
                        if len(raw) <= longest and raw.isprintable():
                            text = raw.strip()
                            if text not in ABSENT:
                                row[name] = text
                                continue
                    elif raw in known:
                        row[name] = known[raw]
                        continue
                    if raw.strip() in ABSENT:
                        raw = None
                if raw is not None:
                    row[name] = value = self._convert(convert, raw, place, name)
                    if not longest and type(raw) is str:
                        _remember(known, raw, value)
                    continue
            if enforced:
                raise self._refusal(place, name, RefusalCode.FIELD_MISSING, "不能为空")
        for reader in self._inner:
            row[reader.name] = reader.read(sent.get(reader.name), place)
        return row

    def _convert(self, convert: Convert, raw: Any, place: str, name: str) -> Any:
        try:
            return convert(raw)
        except Violation as violation:
            raise self._refusal(place, name, violation.code, violation.rule) from None

    def _refusal(self, place: str, name: str, code: RefusalCode, rule: str) -> Refused:
        label = self._labels[name]
        shown = f"（{label}）" if label else ""
        return Refused(code, f"{place}.{name}{shown}{rule}", f"{place}.{name}")


def _readers(
    nodes: Sequence[Node],
    codes: Mapping[str, CodeTable],
    *,
    below: str = "",
    of_one_bill: bool = True,
) -> tuple[NodeReader, ...]:
    """A reader for each node that lies directly in the node of path ``below`` ("": in input)."""
    return tuple(
        NodeReader(
            node,
            codes,
            [inner for inner in nodes if inner.name.startswith(f"{node.name}.")],
            of_one_bill=of_one_bill,
        )
        for node in nodes
        if node.name.rpartition(".")[0] == below
    )


class InputReader:
    """Reads the whole ``input`` of a transaction."""

    def __init__(
        self, nodes: Sequence[Node], codes: Mapping[str, CodeTable], *, of_one_bill: bool = True
    ) -> None:
        self._readers = _readers(nodes, codes, of_one_bill=of_one_bill)

    def read(self, sent: Any) -> Input:
        """Every node of the table, read; Refused with the first violation."""
        sent = decode_input(sent)
        if sent is None:
            sent = {}
        if type(sent) is not dict:
            raise Refused(RefusalCode.FIELD_INVALID, "input（交易输入）应为一个对象", "input")
        return {reader.name: reader.read(sent.get(reader.name)) for reader in self._readers}


_DECODER = msgspec.json.Decoder(float_hook=str)
_ENCODER = msgspec.json.Encoder()


class Contradiction(ValueError):  # noqa: N818 - reads as a fact
    """One object has a field twice, with different values."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"{name} stands twice with different values")


def decode_json(data: bytes | str) -> Any:
    """JSON with every fraction kept as its digits (text); ValueError when it is none.

    Raises Contradiction (a ValueError) for a field that one object has twice with different values:
    which of two amounts is meant is not ours to choose.
    """
    try:
        decoded = _DECODER.decode(data)
        if _may_repeat_a_key(data, decoded):
            _check_pairs(data)
    except Contradiction:
        raise
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise ValueError(str(error)[:200]) from None
    return decoded


def _may_repeat_a_key(data: bytes | str, decoded: Any) -> bool:
    """Whether the text has other than the colons of its content written again: quick, C all of it.

    A key that stands twice in an object is there once when written again. An escaped colon could
    make up for the one that is missing, so a text that has any is suspected all the same.
    """
    if isinstance(data, str):
        data = data.encode(errors="replace")
    if b"\\" in data and b"\\u003" in data:  # the first alone is found at once
        return True
    return data.count(b":") != _ENCODER.encode(decoded).count(b":")


def _check_pairs(data: bytes | str) -> None:
    """The slow, exact way."""

    def check(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        for name, value in pairs:
            if name in seen and seen[name] != value:
                raise Contradiction(name)
            seen[name] = value
        return seen

    json.loads(data, object_pairs_hook=check, parse_float=str)


def decode_input(sent: Any) -> Any:
    """``input`` as an object: Hubei sends it as JSON text."""
    if type(sent) is str:
        return None if sent.strip() in ABSENT else _decode_text(sent, "input")
    return sent


def _decode_text(text: str, place: str) -> Any:
    try:
        return decode_json(text)
    except Contradiction as contradiction:
        raise Refused(
            RefusalCode.FIELD_CONTRADICTS,
            f"{place}.{contradiction.name} 在同一对象中重复出现且取值不同",
            f"{place}.{contradiction.name}",
        ) from None
    except ValueError:
        raise Refused(
            RefusalCode.FIELD_INVALID, f"{place} 应为对象或内容为JSON对象的文本", place
        ) from None


# ----------------------------------------------------------------------------------------- digest

_CANONICAL = msgspec.json.Encoder(order="deterministic")


def digest(read: Input) -> bytes:
    """SHA-256 of the canonical typed input: equal for ``1.0`` and ``"1"``, "" and null."""
    return hashlib.sha256(_CANONICAL.encode(read)).digest()
