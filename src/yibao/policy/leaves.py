"""What a parameter's values may be: amounts, ratios, bands, numbers, words. Each kind once."""

from collections.abc import Callable, Sequence
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import TypeVar

from yibao.kernel.money import Fen, Rate, fen_from_yuan, round_half_up
from yibao.policy.dated import Kind, Relation
from yibao.policy.document import Node
from yibao.policy.model import PHARMACY, Band, Bands, ReportedAs
from yibao.policy.parameters import LawError
from yibao.policy.purses import PersonalPart
from yibao.policy.table import (
    Table,
    choice_of,
    choices_of,
    decimal_of,
    known_word,
    nested,
    text_of,
    texts_of,
    whole_of,
)
from yibao.policy.terms import EntitlementExtent, Level

E = TypeVar("E", bound=StrEnum)

NONE = "none"
"""The value by which a law says that there is no limit, or that a payer does not pay; an absent
value is not known."""

AMOUNT_FIELDS = ("hifp", "cvlserv", "hifes", "hifmi", "hifob", "hifdm", "maf", "oth")
"""The interface's amount fields for funds, without ``_pay``."""

PLACES = (*(level.value for level in Level), PHARMACY)

# ---------------------------------------------------------------------------------------- amounts


def _read_amount(node: Node, _unit: str) -> Fen | None:
    return None if node.value == NONE else _amount(node)


def _amount(node: Node) -> Fen:
    try:
        amount = fen_from_yuan(decimal_of(node))
    except ValueError:
        raise LawError(node.file, node.path, f"{node.value} has more than 2 decimals") from None
    if amount < 0:
        raise LawError(node.file, node.path, "an amount cannot be negative")
    return amount


def _related_amount(leaf: Fen | None, relation: Relation, node: Node, _unit: str) -> Fen | None:
    if leaf is None:
        raise LawError(node.file, node.path, "a relation to a case without a limit")
    exact = leaf * relation.times + relation.plus * 100
    if exact < 0:
        raise LawError(node.file, node.path, "an amount cannot be negative")
    return round_half_up(exact.numerator, exact.denominator)


AMOUNT: Kind[Fen | None] = Kind(("yuan",), _read_amount, _related_amount)
"""An amount of yuan, or ``"none"``: there is no limit."""

# ---------------------------------------------------------------------------------- whole numbers


def _read_count(node: Node, _unit: str) -> int | None:
    return None if node.value == NONE else whole_of(node)


def _read_period(node: Node, _unit: str) -> int | None:
    if node.value != NONE and whole_of(node) == 0:
        raise LawError(node.file, node.path, "must be a day at least, or 'none'")
    return _read_count(node, _unit)


def _read_whole(node: Node, _unit: str) -> int:
    return whole_of(node)


TIMES: Kind[int | None] = Kind(("times",), _read_count)
MONTHS: Kind[int | None] = Kind(("months",), _read_count)
DAYS: Kind[int | None] = Kind(("days",), _read_count)
PERIOD: Kind[int | None] = Kind(("days",), _read_period)
"""So many days that something is due again; never 0."""
YEARS: Kind[int] = Kind(("years",), _read_whole)

# ------------------------------------------------------------------------------- ratios, numbers


def fraction_of(node: Node) -> Fraction:
    """A decimal number, or a fraction as text: ``"2/3"``."""
    text = node.value
    if isinstance(text, str) and "/" in text:
        top, _, bottom = text.partition("/")
        digits = top.isdecimal() and bottom.isdecimal() and len(text) < 20
        if not (digits and int(bottom)):
            raise LawError(node.file, node.path, f"not a fraction: {text!r}")
        return Fraction(int(top), int(bottom))
    return Fraction(decimal_of(node))


def _share(ratio: Fraction, node: Node) -> Fraction:
    if not 0 <= ratio <= 1:
        written = f"{ratio}" if node.is_table else node.value
        raise LawError(node.file, node.path, f"ratio {written} is outside 0..1")
    return ratio


def _number(number: Fraction, node: Node) -> Fraction:
    if number < 0:
        raise LawError(node.file, node.path, "cannot be negative")
    return number


def _divisor(number: Fraction, node: Node) -> Fraction:
    if number <= 0:
        raise LawError(node.file, node.path, "must be more than 0")
    return number


def _points(points: Fraction, node: Node) -> Fraction:
    if not -1 <= points <= 1:
        reason = "points are written as decimals within -1..1: two points are 0.02"
        raise LawError(node.file, node.path, reason)
    return points


def _fractions(unit: str, check: Callable[[Fraction, Node], Fraction]) -> Kind[Fraction]:
    def read(node: Node, _unit: str) -> Fraction:
        return check(fraction_of(node), node)

    def related(leaf: Fraction, relation: Relation, node: Node, _unit: str) -> Fraction:
        return check(leaf * relation.times + relation.plus, node)

    return Kind((unit,), read, related)


RATIO = _fractions("share", _share)
"""A part of something: 0..1."""
NUMBER = _fractions("number", _number)
"""A factor, a number of months or days: not negative."""
DIVISOR = _fractions("number", _divisor)
POINTS = _fractions("points", _points)
"""What is added to a ratio, negative where it is taken off."""

# ------------------------------------------------------------------------------------------ bands

FUND_SHARE = "fund_share"
OWN_SHARE = "own_share"


def _read_bands(node: Node, unit: str) -> Bands:
    if node.value == NONE:
        return None
    if not isinstance(node.value, list):
        return (Band(0, None, _rate(fraction_of(node), unit, node)),)
    bands: list[Band] = []
    for i, item in enumerate(node.value):
        where = f"{node.path}[{i}]"
        if not isinstance(item, dict):
            raise LawError(node.file, where, "must be a band such as { above = 0, ratio = 0.7 }")
        bands.append(_read_band(Table(nested(node, where, item)), unit))
    _check_bands(node, bands)
    return tuple(bands)


def _read_band(table: Table, unit: str) -> Band:
    to_node = table.node_of("to")
    ratio = table.must("ratio")
    band = Band(
        _amount(table.must("above")),
        None if to_node is None else _amount(to_node),
        _rate(fraction_of(ratio), unit, ratio),
    )
    table.done()
    return band


def _check_bands(node: Node, bands: Sequence[Band]) -> None:
    if not bands:
        raise LawError(node.file, node.path, "needs at least one band")
    reached: Fen | None = 0
    for i, band in enumerate(bands):
        where = f"{node.path}[{i}]"
        if reached is None or band.above < reached:
            raise LawError(node.file, f"{where}.above", "overlaps the band before")
        if band.above > reached:
            raise LawError(node.file, f"{where}.above", "leaves a gap after the band before")
        if band.to is not None and band.to <= band.above:
            raise LawError(node.file, f"{where}.to", "must lie above the band's start")
        reached = band.to
    if reached is not None:
        raise LawError(
            node.file, f"{node.path}[{len(bands) - 1}].to", "the last band must be open: what then?"
        )


def _rate(ratio: Fraction, unit: str, node: Node) -> Rate:
    """The fund's share of a stated ratio, in 1/10,000 where that is exact."""
    stated = _share(ratio, node)
    share = 1 - stated if unit == OWN_SHARE else stated
    scale = 10_000 if 10_000 % share.denominator == 0 else share.denominator
    return Rate(int(share * scale), scale)


def _related_bands(leaf: Bands, relation: Relation, node: Node, unit: str) -> Bands:
    if leaf is None:
        raise LawError(node.file, node.path, "a relation to a case that is not paid")

    def related(rate: Rate) -> Rate:
        share = Fraction(rate.numerator, rate.denominator)
        stated = 1 - share if unit == OWN_SHARE else share
        return _rate(stated * relation.times + relation.plus, unit, node)

    return tuple(band._replace(rate=related(band.rate)) for band in leaf)


BANDS: Kind[Bands] = Kind((FUND_SHARE, OWN_SHARE), _read_bands, _related_bands)
"""Bands of a ratio, or one ratio for everything; a relation acts on the share the unit names."""

# ------------------------------------------------------------------------------------------ words


def choice_kind(words: type[E], by_case: bool = True) -> Kind[E]:
    """One word of a closed vocabulary."""
    return Kind((), lambda node, _unit: choice_of(node, words), by_case=by_case)


LEFT_IN_ARREARS = (EntitlementExtent.ACCOUNT_ONLY, EntitlementExtent.NONE)


def _read_arrears(node: Node, _unit: str) -> EntitlementExtent:
    return EntitlementExtent(known_word(node, str(node.value), LEFT_IN_ARREARS))


def _read_places(node: Node, _unit: str) -> frozenset[str]:
    return frozenset(known_word(node, word, PLACES, "place") for word in texts_of(node))


def _read_reported_as(node: Node, _unit: str) -> ReportedAs:
    table = Table(node)
    fund, field = table.text("fund"), table.must("amount_field")
    table.done()
    return ReportedAs(fund, known_word(field, text_of(field), AMOUNT_FIELDS, "amount field"))


def _read_month_day(node: Node, _unit: str) -> tuple[int, int]:
    month, _, day = text_of(node).partition("-")
    try:
        # 2023 is no leap year: a benefit year that began on 29 February could not begin every year
        start = date(2023, int(month), int(day))
    except ValueError:
        raise LawError(node.file, node.path, "must be a day of every year, MM-DD") from None
    return start.month, start.day


WORD: Kind[str] = Kind((), lambda node, _unit: text_of(node))
WORDS: Kind[frozenset[str]] = Kind((), lambda node, _unit: frozenset(texts_of(node)), by_case=False)
ORDERED_WORDS: Kind[tuple[str, ...]] = Kind((), lambda node, _unit: texts_of(node))
PLACE_WORDS: Kind[frozenset[str]] = Kind((), _read_places)
PERSONAL_PARTS: Kind[frozenset[PersonalPart]] = Kind(
    (), lambda node, _unit: frozenset(choices_of(node, PersonalPart))
)
REPORTED_AS: Kind[ReportedAs] = Kind((), _read_reported_as, is_table=True)
MONTH_DAY: Kind[tuple[int, int]] = Kind((), _read_month_day, by_case=False)
ARREARS: Kind[EntitlementExtent] = Kind((), _read_arrears)
