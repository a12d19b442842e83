"""Names of groups, in Chinese and English, and figures as a reader wants them."""

from typing import NamedTuple

from yibao.analysis.model import ChangeBin
from yibao.kernel.money import Fen, yuan
from yibao.registry.dictionaries import service as dictionaries


class Label(NamedTuple):
    """A name in both languages."""

    chinese: str
    english: str

    def text(self) -> str:
        """Both, as the tables on a terminal show them."""
        return f"{self.chinese} {self.english}" if self.chinese != self.english else self.english


DIMENSIONS = {
    "person_type": Label("人员类别", "person type"),
    "age": Label("年龄", "age group"),
    "identity": Label("收入类别（特殊身份）", "income category (special identity)"),
    "level": Label("医院等级", "hospital level"),
}
"""The dimensions of the tables, in their order."""

_LEVELS = {
    "grass": Label("基层", "grass-roots"),
    "l1": Label("一级", "primary"),
    "l2": Label("二级", "secondary"),
    "l3": Label("三级", "tertiary"),
    "prov": Label("省部属", "provincial"),
    "pharmacy": Label("药店", "pharmacy"),
}
_LEVEL_ORDER = tuple(_LEVELS)
_TABLES = {"person_type": "psn_type", "identity": "psn_idet_type"}


def name_of(dimension: str, word: str) -> Label:
    """How a group of a dimension is called."""
    if dimension == "level":
        return _LEVELS.get(word, Label(word, word))
    if dimension == "age":
        return Label(f"{word} 岁", f"{word} years")
    if not word:
        return Label("无特殊身份", "none")
    parts = [_of_table(_TABLES[dimension], code) for code in word.split("+")]
    return Label("＋".join(p.chinese for p in parts), " + ".join(p.english for p in parts))


def order_of(dimension: str, word: str) -> tuple[int, int, str]:
    """Where a group stands in its table: levels as they rise, ages as they grow."""
    place = _LEVEL_ORDER.index(word) if dimension == "level" and word in _LEVEL_ORDER else 0
    low = int(word.partition("-")[0].rstrip("+")) if dimension == "age" else 0
    return place, low, word


def _of_table(table: str, code: str) -> Label:
    found = dictionaries.table(table)
    entry = None if found is None else found.find(code)
    if entry is None:
        return Label(code, code)
    # one entry may stand for many codes; the code then says which
    shown = f" {code}" if entry.is_pattern else ""
    return Label(f"{entry.label}{shown}", entry.label if shown else entry.english)


def bin_name(found: ChangeBin) -> str:
    """A bin of changes in yuan: ``−500…−200``, ``0``, ``10…50``, ``> 20,000``."""
    if found.above is not None and found.above == -1 and found.to == 0:
        return "0"
    low = None if found.above is None else _whole(found.above)
    high = None if found.to is None else _whole(found.to)
    if low is None:
        return f"≤ {high}"
    if high is None:
        return f"> {low}"
    return f"{low}…{high}"


def _whole(amount: Fen) -> str:
    """Yuan without decimals; the fen beside 0 bounds a bin, but is no figure of its own."""
    return f"{0 if abs(amount) == 1 else amount // 100:,}".replace("-", "−")


def money(amount: Fen) -> str:
    """Yuan with separators: 1,234.50; exact."""
    sign, text = ("-", yuan(-amount)) if amount < 0 else ("", yuan(amount))
    whole, decimals = text.split(".")
    return f"{sign}{int(whole):,}.{decimals}"


def signed(amount: Fen) -> str:
    """The same with a sign, for differences."""
    return f"+{money(amount)}" if amount > 0 else money(amount)


def percent(part: int, whole: int) -> str:
    """A share with one decimal, in whole arithmetic; ``-`` of nothing."""
    if not whole:
        return "-"
    tenths = (abs(part) * 2000 + abs(whole)) // (2 * abs(whole))
    sign = "-" if (part < 0) != (whole < 0) and tenths else ""
    return f"{sign}{tenths // 10}.{tenths % 10} %"


def compact(amount: Fen, language: str) -> str:
    """An amount of money to read at a glance: 1.23 亿元, 45.6 million yuan."""
    whole = abs(amount) // 100
    units = (
        ((100_000_000, "亿元"), (10_000, "万元"), (1, "元"))
        if language == "zh"
        else ((1_000_000_000, "bn yuan"), (1_000_000, "m yuan"), (1_000, "k yuan"), (1, "yuan"))
    )
    size, unit = next((unit for unit in units if whole >= unit[0]), units[-1])
    hundredths = (abs(amount) + size // 2) // size
    decimals = f".{hundredths % 100:02d}" if size > 1 else ""
    return f"{'−' if amount < 0 else ''}{hundredths // 100:,}{decimals} {unit}"
