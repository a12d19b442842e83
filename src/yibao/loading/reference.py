"""What a file of each kind looks like, told from its declaration: a page, a table, an example."""

import csv
import io
from collections.abc import Iterable

from yibao.loading.model import Column, Kind
from yibao.loading.rows import columns_of

_HEAD = """\
# Putting a city in

`yibao load KIND FILE` puts a file of an older system in. Load in this order: institutions,
catalogue, prices, persons, enrolments, payments, identities, filings, openings. Pools and laws must
be there before.

- **Files** are CSV (UTF-8 or GB18030, found out by itself) or Parquet. The first row names the
  columns, in any order, by name or Chinese title. `yibao load example KIND` prints a small valid
  file, `yibao load columns KIND` the columns below.
- **Everything or nothing.** The whole file is checked first, against the registry too. Every bad
  cell is named by row and column (the header is row 1); `--errors FILE.csv` gets all of them, in
  Chinese and English. Nothing is written while a row is wrong, unless `--skip-bad` leaves the wrong
  rows out. `--dry-run` only checks.
- **Once.** `source` and `source_key` say what the older system knows a row by. A row that comes
  again with the same content changes nothing. With other content it is a dated change where the
  kind says so below, and refused elsewhere.
- **On from where it was.** Rows are written some thousands at a time. A load that was killed goes
  on behind the last of them when the same file is loaded again with the same options.
- **Order.** A later row wins where periods overlap. `until` is the last day that counts.
- **Back.** `yibao load runs` lists the loads, `yibao load result RUN` what each row became (numbers
  of persons, ids of visits), `yibao load undo RUN` proposes to take one back, which a second clerk
  approves. It is refused once something was settled upon it. What a clerk changed since is left as
  it is; the result names its rows (`left`), which go on counting as loaded.

This page is written by `python -m yibao.loading.reference`; a test compares the two.
"""


def page(kinds: Iterable[Kind]) -> str:
    """``docs/operating/loading.md``."""
    return _HEAD + "".join(_section(kind) for kind in kinds)


def _section(kind: Kind) -> str:
    again = (
        "A row that comes again with other content is a dated change."
        if kind.changes
        else "A row that comes again with other content is refused."
    )
    lines = [
        f"\n## {kind.name} · {kind.title}\n\n{kind.about} {again}\n",
        "\n| column | Chinese | needed | content | example |\n|---|---|---|---|---|\n",
    ]
    for column in columns_of(kind):
        needed = "yes" if column.required else ""
        told = told_of(column).replace("|", "\\|")
        cells = (f"`{column.name}`", column.title, needed, told, _example(column))
        lines.append(f"| {' | '.join(cells)} |\n")
    return "".join(lines)


def told_of(column: Column) -> str:
    """What a column holds."""
    return f"{column.cell.told}; {column.note}" if column.note else column.cell.told


def _example(column: Column) -> str:
    return f"`{column.example}`" if column.example else ""


def example(kind: Kind) -> str:
    """A small valid CSV of a kind."""
    columns = columns_of(kind)
    rows = [[column.name for column in columns], [column.example for column in columns]]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def main() -> None:
    """Write the page."""
    from pathlib import Path

    from yibao.loading.kinds import KINDS

    Path("docs/operating/loading.md").write_text(page(KINDS.values()), "utf-8")


if __name__ == "__main__":
    main()
