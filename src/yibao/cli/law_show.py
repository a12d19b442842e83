"""``yibao law show`` and ``yibao law diff``: what a law says, and what changes between two."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from rich.markup import escape

from yibao.policy.effective import Difference, Row, differences, rows
from yibao.policy.model import Allowance, BenefitRules, Law, Payer
from yibao.policy.parameters import Source

UNKNOWN = "not known: a bill that needs it is refused"


@dataclass(frozen=True, slots=True)
class Shown:
    """A law as it stands on a day."""

    law: Law
    day: date
    rows: list[Row]

    def as_json(self) -> dict[str, Any]:
        """For programs; ``value`` is null where the law does not know it on the day."""
        law = self.law
        return {
            "area": law.area,
            "scheme": law.scheme,
            "title": law.title,
            "file": law.file,
            "fingerprint": law.fingerprint,
            "day": self.day.isoformat(),
            "parameters": [_row_json(row) for row in self.rows],
        }


def shown(law: Law, day: date) -> Shown:
    """Every parameter of the law on a day."""
    return Shown(law, day, rows(law, day))


def lines(found: list[Shown]) -> Iterator[str]:
    """The laws in markup: each parameter with its values, sources, and what is not known."""
    for one in found:
        yield from _law(one)


def difference_lines(found: list[Difference]) -> Iterator[str]:
    """Before and after of every value that differs, in markup, by the day it differs from."""
    if not found:
        yield "The laws do not differ."
    for start, group in groupby(found, key=lambda one: one.start):
        yield "[bold]the law itself[/bold]" if start is None else f"[bold]from {start}[/bold]"
        for one in group:
            name = f"{one.path}  {one.case}" if one.case else one.path
            before, after = (escape(text or "—") for text in (one.before, one.after))
            yield f"  {escape(name)}  [red]{before}[/red] → [green]{after}[/green]"


def compared(before: Law, after: Law, day: date | None) -> list[Difference]:
    """What differs between two laws, on a day or on every day that either names; oldest first."""
    return sorted(differences(before, after, day), key=lambda one: one.start or date.min)


def differences_json(found: list[Difference]) -> list[dict[str, Any]]:
    """For programs; null before: added, null after: no longer there."""
    return [
        {
            "path": one.path,
            "case": one.case,
            "from": one.start and one.start.isoformat(),
            "before": one.before,
            "after": one.after,
        }
        for one in found
    ]


def _law(one: Shown) -> list[str]:
    """Parameters in sections, sources as numbers that the list at the end explains."""
    law = one.law
    numbers = {source: n for n, source in enumerate(_sources(one.rows), 1)}
    told = [f"[bold]{escape(law.title)}[/bold] {law.area}/{law.scheme} on {one.day}"]
    for section, within in groupby(one.rows, key=lambda row: _section(row.path)):
        title = escape(_title(law, section)) if section else ""
        told += ["", f"[bold cyan]{escape(section)}[/bold cyan]{title}"] if section else [""]
        for path, group in groupby(within, key=lambda row: row.path):
            told += _parameter(path.removeprefix(f"{section}."), list(group), numbers)
    told += ["", "sources"]
    told += [escape(f"  {n}  {source.title} <{source.url}>") for source, n in numbers.items()]
    return [*told, "", f"fingerprint {law.fingerprint}"]


def _parameter(name: str, found: list[Row], numbers: dict[Source, int]) -> Iterator[str]:
    """One value beside the name; several below it, by case."""
    first = found[0]
    origin = _origin(first, numbers)
    if len(found) == 1 and not first.case:
        yield f"  {escape(name)}  {_value(first)}{origin}"
        return
    yield f"  {escape(name)}{origin}"
    width = max(len(row.case) for row in found)
    for row in found:
        yield f"      {escape(row.case.ljust(width))}  {_value(row)}"


def _value(row: Row) -> str:
    if row.value is None:
        return f"[yellow]{UNKNOWN}[/yellow]"
    told = f"{row.value} ({row.relation})" if row.relation else row.value
    return f"[green]{escape(told)}[/green]"


def _origin(row: Row, numbers: dict[Source, int]) -> str:
    if row.start is None:
        return ""
    sources = ", ".join(str(numbers[source]) for source in row.sources)
    return f"  [dim]from {row.start} ({sources} {row.confidence})[/dim]"


def _section(path: str) -> str:
    """What a parameter belongs to: a benefit, a common payer, an allowance; else nothing."""
    parts = path.split(".")
    return ".".join(parts[:2]) if parts[0] in ("benefits", "payers", "allowances") else ""


def _title(law: Law, section: str) -> str:
    """How people call what a section is about: ``  住院 · Inpatient care``."""
    kind, _, key = section.partition(".")
    own: Iterable[BenefitRules | Payer | Allowance] = law.allowances.values()
    if kind != "allowances":
        own = law.benefits if kind == "benefits" else law.payers
    named = [(one.title, one.english) for one in own if one.key == key]
    names = dict.fromkeys(name for pair in named for name in pair if name != key)
    return f"  {' · '.join(names)}" if names else ""


def _sources(found: list[Row]) -> list[Source]:
    return list(dict.fromkeys(source for row in found for source in row.sources))


def _row_json(row: Row) -> dict[str, Any]:
    return {
        "path": row.path,
        "case": row.case,
        "value": row.value,
        "unit": row.unit,
        "relation": row.relation,
        "from": row.start and row.start.isoformat(),
        "sources": [{"title": source.title, "url": source.url} for source in row.sources],
        "confidence": row.confidence,
        "file": row.file,
        "note": row.note,
    }
