"""How the fields of a kind are read: from text to the JSON value that is kept. Pure.

Each ``parse`` raises ValueError with what is wrong, in Chinese and without the field's name: the
reader puts it in front. Its docstring's first line tells a clerk how to write the value.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from yibao.bureau.model import Field, Kind
from yibao.kernel.areas import Pool, is_pool
from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.kernel.money import AMOUNT_LIMIT, Fen, yuan
from yibao.kernel.refusals import RefusalCode, Refused

Parse = Callable[[str], Any]

_LONGEST = 200
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)


# ----------------------------------------------------------------------------------------- parsing


def text(value: str) -> str:
    """Text of at most 200 characters."""
    stripped = value.strip()
    if not stripped:
        raise ValueError("不能为空")
    if len(stripped) > _LONGEST:
        raise ValueError(f"不能超过{_LONGEST}个字")
    return stripped


def amount(value: str) -> str:
    """Yuan with at most two decimals: -3.20."""
    try:
        found = Decimal(value.strip())
        in_fen = found * 100
        whole = int(in_fen)
    except (InvalidOperation, ValueError, OverflowError):
        raise ValueError(f"应为以元为单位的金额，如 12.30，不能是 {value!r}") from None
    if in_fen != whole or abs(whole) > AMOUNT_LIMIT:
        raise ValueError(f"金额最多两位小数，不超过一亿元，不能是 {value!r}")
    return yuan(whole)


def positive_amount(value: str) -> str:
    """Yuan above zero: 12.30."""
    parsed = amount(value)
    if fen(parsed) <= 0:
        raise ValueError("金额应大于零")
    return parsed


def fen(kept: str) -> Fen:
    """The fen of a kept amount."""
    return int(Decimal(kept) * 100)


def day(value: str) -> str:
    """A day: 2026-01-31."""
    try:
        return date.fromisoformat(value.strip()).isoformat()
    except ValueError:
        raise ValueError(f"应为日期，如 2026-01-31，不能是 {value!r}") from None


def month(value: str) -> str:
    """A month: 2026-01."""
    if not _MONTH.fullmatch(value.strip()):
        raise ValueError(f"应为年月，如 2026-01，不能是 {value!r}")
    return value.strip()


def whole_number(value: str) -> int:
    """A whole number, not negative."""
    stripped = value.strip()
    if not (stripped.isascii() and stripped.isdigit() and len(stripped) <= 18):
        raise ValueError(f"应为非负整数，不能是 {value!r}")
    return int(stripped)


def yes_or_no(value: str) -> bool:
    """1 or 0."""
    yes, no = ("1", "yes", "true", "是"), ("0", "no", "false", "否")
    known = dict.fromkeys(yes, True) | dict.fromkeys(no, False)
    if value.strip().lower() not in known:
        raise ValueError(f"应为 1 或 0，不能是 {value!r}")
    return known[value.strip().lower()]


def pool(value: str) -> str:
    """Six digits."""
    if not is_pool(value.strip()):
        raise ValueError(f"应为六位统筹区代码，不能是 {value!r}")
    return value.strip()


def key(value: str) -> str:
    """A number of 25 characters: the pool, then 19 digits."""
    found = parse_pool_key(value.strip())
    if found is None:
        raise ValueError(f"应为统筹区代码加19位数字的编号，不能是 {value!r}")
    return found.text()


def keys(value: str) -> list[str]:
    """Several numbers of 25 characters, joined by commas."""
    return [key(one) for one in value.split(",") if one.strip()]


def words(value: str) -> list[str]:
    """Several texts, joined by commas."""
    return [text(one) for one in value.split(",") if one.strip()]


def one_of(choices: Mapping[str, str]) -> Parse:
    """One of these values; ``choices`` tells each one's Chinese meaning."""

    def parse(value: str) -> str:
        if value.strip() not in choices:
            listed = "、".join(f"{one}（{meaning}）" for one, meaning in choices.items())
            raise ValueError(f"应为 {listed} 之一，不能是 {value!r}")
        return value.strip()

    parse.__doc__ = " or ".join(f"{one} {meaning}" for one, meaning in choices.items()) + "."
    return parse


def rows(columns: Sequence[Field]) -> Parse:
    """A JSON list of objects with these fields; every fault is named with its row."""

    def parse(value: str) -> list[dict[str, Any]]:
        try:
            listed = json.loads(value, parse_float=str, parse_int=str)
        except ValueError as fault:
            raise ValueError(f"应为JSON数组：{fault}") from None
        if not isinstance(listed, list) or not listed:
            raise ValueError("应为至少一行的JSON数组")
        faults: list[str] = []
        parsed: list[dict[str, Any]] = []
        for number, row in enumerate(listed, 1):
            if not isinstance(row, dict):
                faults.append(f"第{number}行应为JSON对象")
                continue
            given = {str(name): str(cell) for name, cell in row.items() if cell is not None}
            found, wrong = _read(columns, given)
            parsed.append(found)
            faults += [f"第{number}行 {fault}" for fault in wrong]
        if faults:
            raise ValueError("；".join(faults))
        return parsed

    names = (one.name if one.required else f"[{one.name}]" for one in columns)
    parse.__doc__ = f"JSON list, or @FILE, of rows with: {', '.join(names)}."
    return parse


# ------------------------------------------------------------------------------ whole contents


def read_content(kind: Kind, given: Mapping[str, str]) -> dict[str, Any]:
    """The content of a proposal from its texts. Refused with every fault at once."""
    content, faults = _read(kind.fields, given)
    if faults:
        raise Refused(RefusalCode.FIELD_INVALID, "；".join(faults), "content")
    return content


def _read(fields: Sequence[Field], given: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    known = {field.name for field in fields}
    faults = [f"没有字段 {name}" for name in given if name not in known]
    content: dict[str, Any] = {}
    for field in fields:
        value = given.get(field.name)
        if value is None or not value.strip():
            if field.required:
                faults.append(f"{field.name}（{field.title}）必填")
            continue
        try:
            content[field.name] = field.parse(value)
        except ValueError as fault:
            faults.append(f"{field.name}（{field.title}）{fault}")
    return content, faults


# --------------------------------------------------------------------------------- whose pool it is


def pool_named(content: Mapping[str, Any]) -> Pool:
    """``pool_of`` of kinds with a field ``pool``."""
    return Pool(content["pool"])


def pool_of_key(name: str) -> Callable[[Mapping[str, Any]], Pool]:
    """``pool_of`` of kinds about one row that a field names by its id."""

    def pool_of(content: Mapping[str, Any]) -> Pool:
        return read_key(content[name]).pool

    return pool_of


def read_key(kept: str) -> PoolKey:
    """The row that a kept id names."""
    found = parse_pool_key(kept)
    assert found is not None, f"{kept} was checked when it was proposed"
    return found
