"""The statement as a PDF to print: A4 across, numbered pages, totals carried from page to page."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from yibao.clearing.statements.as_html import AMOUNTS, COUNTS, REVIEWED
from yibao.clearing.statements.model import Cleared, Purse, Statement
from yibao.clearing.statements.words import StatementWords
from yibao.clearing.totals.model import Sums, TotalsRow
from yibao.kernel.periods import local_time

FONT = "STSong-Light"
"""A CID font: the reader's own Song typeface is used, none is carried in the file."""

_WIDTH, _HEIGHT = landscape(A4)
_LEFT, _RIGHT, _TOP, _BOTTOM = 14 * mm, _WIDTH - 14 * mm, _HEIGHT - 14 * mm, 16 * mm
_ROW = 5.2 * mm
_SIZE = 8.0
_PAD = 1.2 * mm


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    title: str
    share: float
    """Of the table's width, against the other columns."""
    right: bool = False


def written(statement: Statement, language: str = "zh") -> bytes:
    """The PDF; its text can be searched and copied."""
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    pages = _laid_out(statement, language, 0)
    return _laid_out(statement, language, pages.count).finished()


def _laid_out(statement: Statement, language: str, pages: int) -> "_Paper":
    """The whole statement on paper; how many pages there are is known after the first time."""
    t = StatementWords(language)
    paper = _Paper(statement, t, pages)
    paper.head()
    _totals(paper, statement, t)
    _clearing(paper, statement, t)
    _accounts(paper, statement, t)
    _days(paper, statement, t)
    paper.stamps()
    paper.end_page()
    return paper


# -------------------------------------------------------------------------------------- the parts


def _totals(paper: "_Paper", statement: Statement, t: StatementWords) -> None:
    paper.title(t("totals"))
    columns = _bill_columns(t, with_day=False)
    rows = [_bill_cells(row, t) for row in statement.totals]
    paper.table(columns, rows, [t("sum"), "", *_sum_cells(statement.sums, t)])
    differs = statement.unexplained != 0
    paper.text(
        t(
            "ledger_differs" if differs else "ledger_agrees",
            claimed=t.money(statement.ledger_claimed),
            cash=t.money(statement.ledger_collected),
            difference=t.money(statement.unexplained),
        )
    )


def _clearing(paper: "_Paper", statement: Statement, t: StatementWords) -> None:
    paper.title(t("clearing"))
    columns = [
        Column(t("application"), 2.6),
        Column(t("class"), 1),
        Column(t("state"), 2),
        *(Column(t(name), 1.4, right=True) for name in REVIEWED),
    ]
    paper.table(columns, [_cleared_cells(one, t) for one in statement.cleared])
    cuts = [
        [
            one.application.key.text(),
            cut.settlement.text() if cut.settlement else t("of_the_sum"),
            cut.reason,
            t.money(cut.amount),
        ]
        for one in statement.cleared
        if one.review
        for cut in one.review.deductions
    ]
    if cuts:
        paper.title(t("deductions"))
        columns = [
            Column(t("application"), 2),
            Column(t("bill"), 2),
            Column(t("reason"), 4),
            Column(t("amount"), 1.2, right=True),
        ]
        paper.table(columns, cuts)


def _cleared_cells(one: Cleared, t: StatementWords) -> list[str]:
    application = one.application
    cells = [
        application.key.text(),
        t.cleared_as(application.clearing_class),
        t(f"state_{application.state.value}"),
    ]
    if one.given_back:
        cells[2] += f"{t('colon')}{one.given_back.reason}"
    if one.review is None:
        return [*cells, t.money(application.figures.claimed), *("" for _ in REVIEWED[1:])]
    return cells + [t.money(getattr(one.review.granted, name)) for name in REVIEWED]


def _accounts(paper: "_Paper", statement: Statement, t: StatementWords) -> None:
    paper.title(t("accounts"))
    columns = [
        Column(t("purse"), 1.2),
        Column(t("day"), 1),
        Column(t("what"), 1.6),
        Column(t("reference"), 2.4),
        Column(t("amount"), 1.4, right=True),
    ]
    rows = [cells for purse in statement.purses for cells in _purse_cells(statement, purse, t)]
    paper.table(columns, rows)


def _purse_cells(statement: Statement, purse: Purse, t: StatementWords) -> Iterator[list[str]]:
    first, last = statement.first_day.isoformat(), statement.last_day.isoformat()
    yield [t(purse.name), first, t("opening"), "", t.money(purse.opening)]
    for line in purse.lines:
        yield ["", line.day.isoformat(), t(line.word), line.reference, t.money(line.amount)]
    yield ["", last, t("closing"), "", t.money(purse.closing)]
    if purse.now != purse.closing:
        yield ["", "", t("now"), "", t.money(purse.now)]


def _days(paper: "_Paper", statement: Statement, t: StatementWords) -> None:
    """Every day; a page that is full ends with what it carries, the next begins with it."""
    paper.title(t("days"))
    columns = _bill_columns(t, with_day=True)
    paper.begin_table(columns)
    carried = Sums()
    for row in statement.days:
        if not paper.has_room_for(2):  # the row, and what is carried
            cells = ["", "", *_sum_cells(carried, t)]
            paper.row(columns, [t("carry"), *cells], bold=True)
            paper.new_page()
            paper.begin_table(columns)
            paper.row(columns, [t("carried"), *cells], bold=True)
        paper.row(columns, [str(row.day), *_bill_cells(row, t)])
        carried = carried.plus(row.sums)
    paper.row(columns, [t("sum"), "", "", *_sum_cells(carried, t)], bold=True)


def _bill_columns(t: StatementWords, *, with_day: bool) -> list[Column]:
    return [
        *([Column(t("day"), 1.25)] if with_day else []),
        Column(t("scheme"), 2.2),
        Column(t("class"), 1.1),
        *(Column(t(name), 0.95, right=True) for name in COUNTS),
        *(Column(t(name), 1.45, right=True) for name in AMOUNTS),
    ]


def _bill_cells(row: TotalsRow, t: StatementWords) -> list[str]:
    return [t.scheme(row.scheme), t.cleared_as(row.clearing_class), *_sum_cells(row.sums, t)]


def _sum_cells(sums: Sums, t: StatementWords) -> list[str]:
    counts = [str(getattr(sums, name)) for name in COUNTS]
    return counts + [t.money(getattr(sums, name)) for name in AMOUNTS]


# -------------------------------------------------------------------------------------- the paper


class _Paper:
    """Pages that are written from top to bottom."""

    def __init__(self, statement: Statement, t: StatementWords, pages: int) -> None:
        self._statement = statement
        self._t = t
        self._pages = pages
        self._buffer = io.BytesIO()
        self._canvas: Any = Canvas(self._buffer, pagesize=landscape(A4), invariant=True)
        self._canvas.setTitle(f"{t('title')} {statement.institution} {statement.month}")
        self.count = 1
        self._y = _TOP

    def finished(self) -> bytes:
        """The file."""
        self._canvas.save()
        return self._buffer.getvalue()

    def has_room_for(self, rows: int) -> bool:
        """Whether so many rows still fit on the page."""
        return bool(self._y - rows * _ROW >= _BOTTOM)

    def head(self) -> None:
        """Title, institution and span."""
        t, statement = self._t, self._statement
        self._canvas.setFont(FONT, 16)
        self._canvas.drawCentredString(_WIDTH / 2, self._y - 5 * mm, t("title"))
        self._y -= 11 * mm
        made = f"{local_time(statement.made_at):%Y-%m-%d %H:%M}"
        colon = t("colon")
        self._pair(
            f"{t('institution')}{colon}{statement.name} ({statement.institution})",
            f"{t('bureau')}{colon}{statement.bureau}",
        )
        self._pair(
            f"{t('month')}{colon}{statement.month}    {t('span')}{colon}"
            f"{statement.first_day} – {statement.last_day}",
            f"{t('made')}{colon}{made}    {t('unit')}",
        )

    def title(self, text: str) -> None:
        """A part's heading, never alone at a page's foot."""
        if not self.has_room_for(5):
            self.new_page()
        self._y -= 3 * mm
        self._canvas.setFont(FONT, 10.5)
        self._canvas.drawString(_LEFT, self._y - 4 * mm, text)
        self._y -= 6 * mm

    def text(self, text: str) -> None:
        """A line of text."""
        if not self.has_room_for(1):
            self.new_page()
        self._canvas.setFont(FONT, _SIZE)
        self._canvas.drawString(_LEFT, self._y - 4 * mm, text)
        self._y -= _ROW

    def table(
        self,
        columns: Sequence[Column],
        rows: Sequence[Sequence[str]],
        last: Sequence[str] | None = None,
    ) -> None:
        """A table; its head is repeated on each page."""
        self.begin_table(columns)
        for row in rows or [[self._t("none"), *("" for _ in columns[1:])]]:
            if not self.has_room_for(1):
                self.new_page()
                self.begin_table(columns)
            self.row(columns, row)
        if last is not None:
            self.row(columns, last, bold=True)

    def begin_table(self, columns: Sequence[Column]) -> None:
        """A table's head."""
        self._canvas.setFillGray(0.93)
        self._canvas.rect(_LEFT, self._y - _ROW, _RIGHT - _LEFT, _ROW, stroke=0, fill=1)
        self._canvas.setFillGray(0)
        self.row(columns, [column.title for column in columns], bold=True)

    def row(self, columns: Sequence[Column], cells: Sequence[str], *, bold: bool = False) -> None:
        """One row; a cell that is too long is cut, an amount never is."""
        unit = (_RIGHT - _LEFT) / sum(column.share for column in columns)
        x = _LEFT
        baseline = self._y - _ROW + 1.6 * mm
        self._canvas.setFont(FONT, _SIZE)
        for column, cell in zip(columns, cells, strict=True):
            width = column.share * unit
            if column.right:
                self._amount(cell, x + width - _PAD, baseline, width - _PAD)
            else:
                self._canvas.drawString(x + _PAD, baseline, _cut(cell, width - _PAD))
            x += width
        self._canvas.setLineWidth(0.7 if bold else 0.25)
        self._canvas.setStrokeGray(0.2 if bold else 0.75)
        self._canvas.line(_LEFT, self._y - _ROW, _RIGHT, self._y - _ROW)
        self._y -= _ROW

    def stamps(self) -> None:
        """Where both sides sign."""
        if not self.has_room_for(6):
            self.new_page()
        self._y -= 4 * _ROW
        self._canvas.setFont(FONT, 9)
        self._canvas.drawString(_LEFT, self._y, self._t("stamp"))
        self._canvas.drawString(_WIDTH / 2, self._y, self._t("checked"))

    def new_page(self) -> None:
        """Go on overleaf."""
        self.end_page()
        self.count += 1
        self._y = _TOP

    def end_page(self) -> None:
        """The page's foot: whose statement it is, and which page."""
        self._canvas.setFont(FONT, 7.5)
        whose = f"{self._statement.institution}  {self._statement.month}"
        self._canvas.drawString(_LEFT, 9 * mm, whose)
        place = self._t("page", page=self.count, pages=self._pages)
        self._canvas.drawRightString(_RIGHT, 9 * mm, place)
        self._canvas.showPage()

    def _amount(self, text: str, right: float, baseline: float, width: float) -> None:
        size = _SIZE
        while pdfmetrics.stringWidth(text, FONT, size) > width and size > 4:
            size -= 0.25
        self._canvas.setFont(FONT, size)
        self._canvas.drawRightString(right, baseline, text)
        self._canvas.setFont(FONT, _SIZE)

    def _pair(self, left: str, right: str) -> None:
        self._canvas.setFont(FONT, 9)
        self._canvas.drawString(_LEFT, self._y - 3 * mm, left)
        self._canvas.drawRightString(_RIGHT, self._y - 3 * mm, right)
        self._y -= 5.5 * mm


def _cut(text: str, width: float) -> str:
    if pdfmetrics.stringWidth(text, FONT, _SIZE) <= width:
        return text
    while text and pdfmetrics.stringWidth(text + "…", FONT, _SIZE) > width:
        text = text[:-1]
    return text + "…"
