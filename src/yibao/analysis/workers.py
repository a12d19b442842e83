"""The processes that decide a population: each reads its own row groups and gives back sums."""

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa

from yibao.adjudication.columns import decide_columns
from yibao.adjudication.columns.model import BillColumns, Decided
from yibao.analysis.aggregate import Aggregate
from yibao.analysis.blocks import BlockReader, rows_of, spread
from yibao.analysis.lines import sums_under
from yibao.analysis.population import LINE_COLUMNS, leaf_of
from yibao.analysis.reading import Task, blocks, open_file
from yibao.analysis.survey import Survey, merged
from yibao.policy.law_book import law_from_canonical
from yibao.policy.model import Law, Payer

SURVEYED = 4
"""From so many tasks on the population is surveyed first."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a worker must know: the file, its columns, the two laws as texts."""

    path: str
    columns: tuple[str, ...]
    laws: tuple[str, str]
    rows: int
    """Bills of a block."""
    rows_surveyed: int
    """Bills of a block of the survey, which reads no fee lines."""


def evaluated(plan: Plan, planned: Sequence[Task], workers: int) -> Iterator[tuple[Aggregate, int]]:
    """Each task's sums as they become ready. One worker runs here, several in processes."""
    count = min(workers, len(planned))
    if count <= 1:
        yield from _evaluated_here(Worker(plan), planned)
        return
    # Processes are spawned: a fork would copy Arrow's threads in whatever state they are.
    pool = ProcessPoolExecutor(count, get_context("spawn"), initializer=_begin, initargs=(plan,))
    with pool:
        try:
            shown = None
            if len(planned) >= SURVEYED:
                surveys = [pool.submit(_survey, task) for task in planned]
                shown = merged([survey.result() for survey in surveys])
            waiting: dict[Future[Aggregate], Task] = {
                pool.submit(_run, task, shown): task for task in planned
            }
            while waiting:
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    task = waiting.pop(future)
                    yield future.result(), task.rows
        finally:
            pool.shutdown(cancel_futures=True)


def _evaluated_here(worker: "Worker", planned: Sequence[Task]) -> Iterator[tuple[Aggregate, int]]:
    if len(planned) >= SURVEYED:
        worker.meet(merged([worker.survey(task) for task in planned]))
    for task in planned:
        yield worker.run(task), task.rows


class Worker:
    """Decides tasks of one plan; keeps the laws and what they remember between tasks."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._laws = [law_from_canonical(text) for text in plan.laws]
        self._lines = [lines_of_payers(law) for law in self._laws]
        self._file = open_file(Path(plan.path), plan.columns)
        self._reader = BlockReader(Path(plan.path).name, plan.columns)
        self._facts = tuple(name for name in plan.columns if name not in LINE_COLUMNS)
        self._fact_reader = BlockReader(Path(plan.path).name, self._facts)
        self._survey = Survey(self._laws)
        self._met = False

    def survey(self, task: Task) -> pa.Table:
        """Bills of a task of kinds that this worker has not seen yet."""
        found = [
            table.take(pa.array(self._survey.new(self._fact_reader.bills(table))))
            for table in blocks(self._file, task, self._facts, self._plan.rows_surveyed)
        ]
        return pa.concat_tables(found)

    def meet(self, surveyed: pa.Table | None) -> None:
        """Let the laws meet each kind of bill before the others come, once."""
        if surveyed is None or self._met:
            return
        bills = self._fact_reader.bills(surveyed)
        for law in self._laws:
            decide_columns(law, bills)
        self._met = True

    def run(self, task: Task) -> Aggregate:
        """Decide the bills of a task under both laws."""
        aggregate = Aggregate()
        before, after = self._laws
        columns = [leaf_of(name) for name in self._plan.columns]
        for table in blocks(self._file, task, columns, self._plan.rows):
            bills = self._reader.bills(table)
            aggregate.add(
                bills, self._decided(before, bills), self._decided(after, bills), self._lines
            )
        return aggregate

    def _decided(self, law: Law, bills: BillColumns) -> Decided:
        if bills.lines is None:
            return decide_columns(law, bills)
        sums, refused = sums_under(law, bills)
        if not refused:
            return decide_columns(law, replace(bills, sums=sums, lines=None))
        kept = np.setdiff1d(np.arange(len(bills)), list(refused))
        taken = rows_of(replace(bills, sums=sums, lines=None), kept)
        return spread(decide_columns(law, taken), kept, len(bills), refused)


_worker: Worker | None = None
"""The worker of this process."""


def _begin(plan: Plan) -> None:
    global _worker
    _worker = Worker(plan)


def _survey(task: Task) -> pa.Table:
    assert _worker is not None, "the process was begun"
    return _worker.survey(task)


def _run(task: Task, surveyed: pa.Table | None) -> Aggregate:
    assert _worker is not None, "the process was begun"
    _worker.meet(surveyed)
    return _worker.run(task)


def payers_of(law: Law) -> dict[str, Payer]:
    """All payers of a law by their path, in the order in which they pay."""
    own = {
        f"benefits.{benefit.key}.payers.{payer.key}": payer
        for benefit in law.benefits
        for payer in benefit.payers
    }
    return own | {f"payers.{payer.key}": payer for payer in law.payers}


def lines_of_payers(law: Law) -> dict[str, bool]:
    """Which payers have a deductible of their own."""
    return {path: bool(payer.deductible) for path, payer in payers_of(law).items()}
