"""Charts as HTML rows with inline SVG bars: text stays text, so that a phone shows it readably."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from yibao.analysis.labels import Label

_WIDTH = 1000
"""Units of the horizontal axis; the browser stretches them to the room there is."""


class Bar(NamedTuple):
    """One row of a chart: its name, its lengths with their colours, what is written beside it."""

    name: Label
    lengths: tuple[tuple[int, str], ...]
    """(value, class of the bar): ``before``, ``after``, ``less``, ``more``, ``same``."""
    said: Label


def both(label: Label, tag: str = "span") -> str:
    """A text in both languages, of which the page shows one."""
    if label.chinese == label.english:
        return f"<{tag}>{escape(label.english)}</{tag}>"
    return (
        f'<{tag} class="zh" lang="zh">{escape(label.chinese)}</{tag}>'
        f'<{tag} class="en" lang="en">{escape(label.english)}</{tag}>'
    )


def bars(rows: Sequence[Bar]) -> str:
    """Horizontal bars from the left, all on one scale."""
    most = max((abs(value) for row in rows for value, _ in row.lengths), default=0) or 1
    return _rows(rows, lambda value, colour: (0, _scaled(value, most, _WIDTH), colour))


def diverging(rows: Sequence[Bar]) -> str:
    """Horizontal bars from the middle: less to the left, more to the right."""
    most = max((abs(value) for row in rows for value, _ in row.lengths), default=0) or 1
    half = _WIDTH // 2

    def placed(value: int, colour: str) -> tuple[int, int, str]:
        length = _scaled(value, most, half - 4)
        return (half - length if value < 0 else half, length, colour)

    return _rows(rows, placed, axis=half)


def columns(rows: Sequence[Bar], height: int = 170) -> str:
    """Upright bars side by side, a group a row, with the names below."""
    most = max((value for row in rows for value, _ in row.lengths), default=0) or 1
    group = 400 // max(1, len(rows))
    drawn = []
    for place, row in enumerate(rows):
        wide = (group - 8) // max(1, len(row.lengths))
        for number, (value, colour) in enumerate(row.lengths):
            tall = _scaled(value, most, height)
            drawn.append(
                f'<rect class="{colour}" x="{place * group + 4 + number * wide}" '
                f'y="{height - tall}" width="{wide - 1}" height="{tall}">'
                f"<title>{escape(row.said.chinese)} · {escape(row.said.english)}</title></rect>"
            )
        drawn.append(
            f'<text x="{place * group + group // 2}" y="{height + 16}" '
            f'text-anchor="middle">{escape(row.name.english)}</text>'
        )
    base = f'<line class="axis" x1="0" x2="400" y1="{height}" y2="{height}"/>'
    return (
        f'<svg class="columns" viewBox="0 0 400 {height + 24}" role="img">'
        f"{''.join(drawn)}{base}</svg>"
    )


def _rows(rows, placed, axis: int | None = None) -> str:  # type: ignore[no-untyped-def]
    shown = []
    for row in rows:
        each = 10
        drawn = []
        for number, (value, colour) in enumerate(row.lengths):
            x, width, css = placed(value, colour)
            drawn.append(
                f'<rect class="{css}" x="{x}" y="{number * (each + 2)}" '
                f'width="{width}" height="{each}"/>'
            )
        tall = len(row.lengths) * (each + 2)
        if axis is not None:
            drawn.append(f'<line class="axis" x1="{axis}" x2="{axis}" y1="0" y2="{tall}"/>')
        shown.append(
            f'<div class="bar"><div class="name">{both(row.name)}</div>'
            f'<svg viewBox="0 0 {_WIDTH} {tall}" height="{tall + 2}" preserveAspectRatio="none" '
            f'aria-hidden="true">{"".join(drawn)}</svg>'
            f'<div class="said">{both(row.said)}</div></div>'
        )
    return f'<div class="bars">{"".join(shown)}</div>'


def _scaled(value: int, most: int, room: int) -> int:
    """A length in units; what is not nothing can be seen."""
    length = abs(value) * room // most
    return max(length, 3) if value else 0
