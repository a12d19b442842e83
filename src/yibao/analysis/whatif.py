"""Two laws over one population (方案测算): every bill decided twice, on all cores, sums kept."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date

from yibao.analysis.aggregate import Aggregate
from yibao.analysis.model import (
    Comparison,
    LawLabel,
    PayerChange,
    PayerLabel,
    PopulationError,
)
from yibao.analysis.needs import columns_needed, same_line_rules
from yibao.analysis.population import COLUMNS, LINE_COLUMNS, REQUIRED
from yibao.analysis.reading import Scan, tasks
from yibao.analysis.workers import Plan, evaluated, payers_of
from yibao.policy.model import Law, Payer
from yibao.policy.parameters import LawError

ROWS_A_TASK = 1_100_000
ROWS_A_BLOCK = 250_000
"""Bills decided at once: enough persons for whole columns, little enough memory."""
ROWS_A_BLOCK_WITH_LINES = 65_536

Progress = Callable[[int], None]
"""Told how many more bills are done."""


def compare(
    scan: Scan,
    before: Law,
    after: Law,
    *,
    today: date,
    workers: int | None = None,
    progress: Progress = lambda _: None,
) -> Comparison:
    """Decide all bills of a sorted file under both laws and sum up.

    Raises LawError for laws that cannot be compared, PopulationError for a file that they cannot
    be run on. Bills that either law refuses are counted by the missing parameter and left out of
    all sums.
    """
    _check_laws(scan, before, after)
    _check_days(scan, today)
    lines = not same_line_rules(before, after)
    columns, assumed = _columns(scan, (before, after), lines=lines)
    plan = Plan(
        str(scan.path),
        columns,
        (before.canonical, after.canonical),
        ROWS_A_BLOCK_WITH_LINES if lines else ROWS_A_BLOCK,
        ROWS_A_BLOCK,
    )
    started = time.perf_counter()
    aggregate = Aggregate()
    count = workers or os.cpu_count() or 1
    rows_a_task = min(ROWS_A_TASK, -(-scan.facts.bills // count))
    for part, rows in evaluated(plan, tasks(scan.groups, rows_a_task), count):
        aggregate.merge(part)
        progress(rows)
    seconds = time.perf_counter() - started
    assert aggregate.bills == scan.facts.bills, "every bill of the file is decided once"
    compared = _comparison(scan, (before, after), aggregate)
    return replace(compared, assumed=assumed, lines_recomputed=lines, seconds=seconds)


# -------------------------------------------------------------------------------------- the checks


def _check_laws(scan: Scan, before: Law, after: Law) -> None:
    if before.scheme != after.scheme:
        raise LawError(
            after.file,
            "law.scheme",
            f"is {after.scheme}, but {before.file} is a law of scheme {before.scheme}",
        )
    if scan.scheme is not None and scan.scheme != before.scheme:
        raise PopulationError(
            scan.path.name,
            "yibao.scheme",
            f"the bills are of scheme {scan.scheme}, the laws of scheme {before.scheme}",
        )


def _check_days(scan: Scan, today: date) -> None:
    if scan.fault is not None:
        raise PopulationError(scan.path.name, "person", f"is not sorted: {scan.fault}")
    if scan.facts.last_day > today:
        raise PopulationError(
            scan.path.name,
            "day",
            f"holds a future bill, of {scan.facts.last_day} (today is {today})",
        )


def _columns(
    scan: Scan, laws: tuple[Law, Law], *, lines: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns to read, and those that are missing with what is taken instead."""
    needed = {
        name: (because, law.file)
        for law in reversed(laws)
        for name, because in columns_needed(law).items()
    }
    present, assumed = [*REQUIRED], []
    for name, (because, file) in needed.items():
        if name in scan.names:
            present.append(name)
        elif COLUMNS[name].default is None:
            raise PopulationError(
                scan.path.name, name, f"the column is missing; {file} asks for it in {because}"
            )
        elif because != "every law":
            assumed.append(f"{name} = {COLUMNS[name].default}")
    if "identities" in scan.names and "identities" not in present:
        present.append("identities")  # the tables show them in any case
    present += [name for name in scan.names if "." in name]
    if lines:
        present += _line_columns(scan)
    return tuple(present), tuple(assumed)


def _line_columns(scan: Scan) -> tuple[str, ...]:
    for name in LINE_COLUMNS:
        if name not in scan.names:
            raise PopulationError(
                scan.path.name,
                name,
                "the column is missing; the laws' line rules differ, so fee lines are needed",
            )
    return LINE_COLUMNS


# ----------------------------------------------------------------------------------- the figures


def _comparison(scan: Scan, laws: tuple[Law, Law], found: Aggregate) -> Comparison:
    labels = _payer_labels(laws)
    payers = tuple(
        PayerChange(
            path,
            label,
            found.paid[0][path],
            found.paid[1][path],
            found.paid_bills[0][path],
            found.paid_bills[1][path],
            found.over[0][path],
            found.over[1][path],
        )
        for path, label in labels.items()
    )
    return Comparison(
        before=_law_label(laws[0]),
        after=_law_label(laws[1]),
        population=scan.facts,
        compared=found.compared(),
        payers=payers,
        cells=found.cells,
        changes=found.change_bins(),
        deciles=found.deciles(),
        refused_before=dict(found.refused[0].most_common()),
        refused_after=dict(found.refused[1].most_common()),
        refused=found.refused_bills,
        lines_recomputed=False,
        by_scalar=found.by_scalar,
    )


def _payer_labels(laws: tuple[Law, Law]) -> dict[str, PayerLabel]:
    labels: dict[str, PayerLabel] = {}
    for law in laws:
        titles = {benefit.key: (benefit.title, benefit.english) for benefit in law.benefits}
        for path, payer in payers_of(law).items():
            title, english = payer.title, payer.english
            if path.startswith("benefits."):
                of, english_of = titles[path.split(".")[1]]
                title, english = f"{of}·{title}", f"{english_of}: {english}"
            known = labels.get(path)
            funds = _funds(payer) if known is None else (*known.funds, *_funds(payer))
            line = bool(payer.deductible) or (known is not None and known.has_line)
            labels[path] = PayerLabel(title, english, tuple(dict.fromkeys(funds)), line)
    return labels


def _funds(payer: Payer) -> tuple[str, ...]:
    versions = payer.reported_as.versions
    return tuple(reported.fund for version in versions for reported in version.cases.values())


def _law_label(law: Law) -> LawLabel:
    return LawLabel(law.title, law.area, law.scheme, law.file, law.fingerprint)
