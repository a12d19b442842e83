"""A comparison as tables for a terminal, as CSV and as JSON."""

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from yibao.analysis.labels import (
    DIMENSIONS,
    bin_name,
    money,
    name_of,
    order_of,
    percent,
    signed,
)
from yibao.analysis.model import ChangeBin, Comparison, LawLabel, PayerChange, Sums
from yibao.kernel.money import yuan

_SHOWN_REFUSALS = 12


def rows_by(comparison: Comparison, dimension: str) -> list[tuple[str, Sums]]:
    """The groups of a dimension in the order of its table."""
    groups = comparison.by(dimension)
    return sorted(groups.items(), key=lambda item: order_of(dimension, item[0]))


# ------------------------------------------------------------------------------------ the terminal


def render(comparison: Comparison) -> RenderableType:
    """The whole report for a terminal."""
    parts: list[RenderableType] = [_head(comparison), _payers(comparison)]
    parts += [_groups(comparison, dimension) for dimension in DIMENSIONS]
    parts += [_changes(comparison), _deciles(comparison)]
    if comparison.refused:
        parts.append(_refusals(comparison))
    return Group(*parts)


def _head(comparison: Comparison) -> RenderableType:
    facts, sums = comparison.population, comparison.compared
    text = Text()
    text.append(f"A  {_law(comparison.before)}\nB  {_law(comparison.after)}\n")
    text.append(
        f"{facts.bills:,} bills of {facts.persons:,} persons, {facts.first_day} to "
        f"{facts.last_day} ({facts.source})"
    )
    if facts.artificial:
        text.append("; generated: artificial bills of no real person 生成的虚拟数据", "yellow")
    text.append("\n")
    same = sums.persons - sums.winners - sums.losers
    text.append(f"pay less 减负 {sums.winners:,}", "green")
    text.append(f" · pay more 增负 {sums.losers:,}", "red")
    text.append(f" · same 不变 {same:,} persons\n")
    if comparison.lines_recomputed:
        text.append("Line rules differ: sums made anew from fee lines under each law.\n", "dim")
    if comparison.assumed:
        text.append(f"Not in the file, taken as: {', '.join(comparison.assumed)}\n", "dim")
    for note in comparison.notes:
        text.append(f"{note}\n", "dim")
    return text


def _law(law: LawLabel) -> str:
    return f"{law.title} ({law.area}/{law.scheme}, {law.file}, {law.fingerprint[:12]})"


def _payers(comparison: Comparison) -> Table:
    table = _table("Fund spending 基金支出 (yuan)", "payer 支付方", "fund 基金")
    for heading in ("before A", "after B", "difference 差额", "%", "persons over its line A → B"):
        table.add_column(heading, justify="right")
    for payer in (one for one in comparison.payers if one.pays):
        table.add_row(
            f"{payer.label.title} {payer.label.english}",
            " ".join(payer.label.funds),
            *_figures(payer.before, payer.after),
            _over(payer),
        )
    sums = comparison.compared
    table.add_section()
    table.add_row("all funds 基金合计", "", *_figures(sums.funds_before, sums.funds_after), "")
    table.add_row("persons 个人负担", "", *_figures(sums.personal_before, sums.personal_after), "")
    return table


def _over(payer: PayerChange) -> str:
    return f"{payer.over_before:,} → {payer.over_after:,}" if payer.label.has_line else ""


def _groups(comparison: Comparison, dimension: str) -> Table:
    label = DIMENSIONS[dimension]
    table = _table(f"Personal burden by {label.english} 个人负担·{label.chinese} (yuan)", "")
    for heading in ("bills", "before A", "after B", "difference 差额", "%"):
        table.add_column(heading, justify="right")
    by_person = dimension != "level"
    if by_person:
        for heading in ("persons", "less 减", "more 增"):
            table.add_column(heading, justify="right")
    for word, sums in rows_by(comparison, dimension):
        figures = _figures(sums.personal_before, sums.personal_after)
        persons = (f"{sums.persons:,}", f"{sums.winners:,}", f"{sums.losers:,}")
        table.add_row(
            name_of(dimension, word).text(),
            f"{sums.bills:,}",
            *figures,
            *(persons if by_person else ()),
        )
    return table


def _changes(comparison: Comparison) -> Table:
    table = _table("What a person pays more or less 每人负担变化 (yuan)", "change 变化")
    table.add_column("persons", justify="right")
    table.add_column("")
    most = max((found.persons for found in comparison.changes), default=0) or 1
    for found in trimmed(comparison.changes):
        table.add_row(bin_name(found), f"{found.persons:,}", "█" * -(-40 * found.persons // most))
    return table


def trimmed(bins: tuple[ChangeBin, ...]) -> tuple[ChangeBin, ...]:
    """The histogram without empty bins at its ends."""
    filled = [place for place, found in enumerate(bins) if found.persons]
    return bins[filled[0] : filled[-1] + 1] if filled else ()


def _deciles(comparison: Comparison) -> Table:
    table = _table("Burden by tenths of the persons 按负担十等分 (yuan)", "tenth 分位")
    for heading in ("persons", "pays at most", "mean before A", "mean after B", "difference"):
        table.add_column(heading, justify="right")
    for number, tenth in enumerate(comparison.deciles, 1):
        persons = tenth.persons or 1
        before, after = tenth.before // persons, tenth.after // persons
        table.add_row(
            f"{number}",
            f"{tenth.persons:,}",
            money(tenth.up_to),
            money(before),
            money(after),
            signed(after - before),
        )
    return table


def _refusals(comparison: Comparison) -> Table:
    table = _table(
        f"Refused 不能结算: {comparison.refused:,} bills, in no sum above", "missing 缺少的参数"
    )
    table.add_column("bills A", justify="right")
    table.add_column("bills B", justify="right")
    names = sorted(
        {*comparison.refused_before, *comparison.refused_after},
        key=lambda name: -_refused_of(comparison, name),
    )
    for name in names[:_SHOWN_REFUSALS]:
        before, after = (
            found.get(name, 0) for found in (comparison.refused_before, comparison.refused_after)
        )
        table.add_row(name, f"{before:,}", f"{after:,}")
    if len(names) > _SHOWN_REFUSALS:
        table.caption = (
            f"and {len(names) - _SHOWN_REFUSALS} further parameters: see the CSV or JSON"
        )
    return table


def _refused_of(comparison: Comparison, name: str) -> int:
    return comparison.refused_before.get(name, 0) + comparison.refused_after.get(name, 0)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column)
    return table


def _figures(before: int, after: int) -> tuple[str, str, str, str]:
    return money(before), money(after), signed(after - before), percent(after - before, before)


# ------------------------------------------------------------------------------------ for programs


def as_csv(comparison: Comparison) -> str:
    """Every figure as one row: section, group, English name, measure, before, after (yuan)."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("section", "group", "name", "measure", "before", "after", "difference"))
    for row in _csv_rows(comparison):
        writer.writerow(row)
    return out.getvalue()


def _csv_rows(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    yield from _csv_group("all", "", "", comparison.compared)
    for payer in comparison.payers:
        names = ("payer", payer.path, payer.label.english)
        yield *names, "fund_yuan", *_in_yuan(payer.before, payer.after)
        yield *names, "bills", *_counts(payer.bills_before, payer.bills_after)
        if payer.label.has_line:
            yield *names, "persons_over_line", *_counts(payer.over_before, payer.over_after)
    for dimension in DIMENSIONS:
        for word, sums in rows_by(comparison, dimension):
            yield from _csv_group(dimension, word, name_of(dimension, word).english, sums)
    for found in comparison.changes:
        yield "change", bin_name(found), "", "persons", "", str(found.persons), ""
    for number, tenth in enumerate(comparison.deciles, 1):
        names = ("decile", str(number), f"up to {yuan(tenth.up_to)} yuan")
        yield *names, "personal_yuan", *_in_yuan(tenth.before, tenth.after)
        yield *names, "persons", *_counts(tenth.persons, tenth.persons)
    for name in sorted({*comparison.refused_before, *comparison.refused_after}):
        before = comparison.refused_before.get(name, 0)
        yield "refused", name, "", "bills", *_counts(before, comparison.refused_after.get(name, 0))


def _csv_group(section: str, group: str, name: str, sums: Sums) -> Iterator[tuple[str, ...]]:
    names = (section, group, name)
    yield *names, "bills", *_counts(sums.bills, sums.bills)
    yield *names, "total_yuan", *_in_yuan(sums.total, sums.total)
    yield *names, "funds_yuan", *_in_yuan(sums.funds_before, sums.funds_after)
    yield *names, "personal_yuan", *_in_yuan(sums.personal_before, sums.personal_after)
    if section != "level":
        yield *names, "persons", *_counts(sums.persons, sums.persons)
        yield *names, "persons_paying_less", "", str(sums.winners), ""
        yield *names, "persons_paying_more", "", str(sums.losers), ""


def _in_yuan(before: int, after: int) -> tuple[str, str, str]:
    return yuan(before), yuan(after), yuan(after - before)


def _counts(before: int, after: int) -> tuple[str, str, str]:
    return str(before), str(after), str(after - before)


def as_json(comparison: Comparison) -> dict[str, Any]:
    """The report for programs: amounts as yuan text, counts as numbers."""
    facts = comparison.population
    return {
        "before": comparison.before._asdict(),
        "after": comparison.after._asdict(),
        "population": {
            "source": facts.source,
            "bills": facts.bills,
            "persons": facts.persons,
            "first_day": facts.first_day.isoformat(),
            "last_day": facts.last_day.isoformat(),
            "artificial": facts.artificial,
        },
        "compared": _json_sums(comparison.compared),
        "payers": [_json_payer(payer) for payer in comparison.payers],
        "groups": {
            dimension: [
                {"group": word, **name_of(dimension, word)._asdict()} | _json_sums(sums)
                for word, sums in rows_by(comparison, dimension)
            ]
            for dimension in DIMENSIONS
        },
        "cells": [
            cell._asdict() | _json_sums(comparison.cells[cell]) for cell in sorted(comparison.cells)
        ],
        "changes": [
            {
                "above": None if found.above is None else yuan(found.above),
                "to": None if found.to is None else yuan(found.to),
                "persons": found.persons,
            }
            for found in comparison.changes
        ],
        "deciles": [
            {
                "persons": tenth.persons,
                "up_to": yuan(tenth.up_to),
                "before": yuan(tenth.before),
                "after": yuan(tenth.after),
            }
            for tenth in comparison.deciles
        ],
        "refused": {
            "bills": comparison.refused,
            "before": dict(comparison.refused_before),
            "after": dict(comparison.refused_after),
        },
        "lines_recomputed": comparison.lines_recomputed,
        "decided_one_by_one": comparison.by_scalar,
        "assumed": list(comparison.assumed),
        "notes": list(comparison.notes),
        "seconds": round(comparison.seconds, 3),
    }


def _json_sums(sums: Sums) -> dict[str, Any]:
    same = sums.persons - sums.winners - sums.losers
    return {
        "bills": sums.bills,
        "total": yuan(sums.total),
        "funds_before": yuan(sums.funds_before),
        "funds_after": yuan(sums.funds_after),
        "personal_before": yuan(sums.personal_before),
        "personal_after": yuan(sums.personal_after),
        "persons": sums.persons,
        "winners": sums.winners,
        "losers": sums.losers,
        "same": same,
    }


def _json_payer(payer: PayerChange) -> dict[str, Any]:
    told: dict[str, Any] = {
        "payer": payer.path,
        "title": payer.label.title,
        "english": payer.label.english,
        "funds": list(payer.label.funds),
        "before": yuan(payer.before),
        "after": yuan(payer.after),
        "difference": yuan(payer.difference),
        "bills_before": payer.bills_before,
        "bills_after": payer.bills_after,
    }
    if payer.label.has_line:
        told |= {"over_line_before": payer.over_before, "over_line_after": payer.over_after}
    return told
