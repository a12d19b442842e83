"""A process for each pool: starts them, hears what they have done, tells them when to stop."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection as Pipe

from rich.progress import Progress

from benchmarks.filling import worker
from benchmarks.filling.worker import Order, Told
from benchmarks.machine import NoRoom

REFUSED = 0.02
"""A larger share of refusals says that what is filled in is not what happens."""

Stop = Callable[[], str | None]
"""Why it must stop now; None: it need not."""


class Crew:
    """The processes at work, and what they have told."""

    def __init__(self, orders: Sequence[Order]) -> None:
        self.settled = 0
        self.patients = 0
        self.refused: Counter[str] = Counter()
        self.stopped: str | None = None
        """Why it stopped before it was done."""
        context = get_context("spawn")
        self._pipes: list[Pipe] = []
        self._processes = []
        for order in orders:
            ours, theirs = context.Pipe()
            process = context.Process(target=worker.main, args=(order, theirs), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def prepare(self) -> None:
        """Wait until each has its people."""
        for pipe in self._pipes:
            told = self._heard(pipe)
            assert told is not None
            self.patients += told.patients

    def trial(self) -> None:
        """Let them settle what is to be timed, all at once."""
        for pipe in self._pipes:
            pipe.send(None)
        self._follow(None, lambda: None)

    def go_on(self, rest: int, bar: Progress, stop: Stop) -> None:
        """So many more, shared out; ``stop`` is asked after each portion. The processes end."""
        for number, pipe in enumerate(self._pipes):
            pipe.send(rest // len(self._pipes) + (number < rest % len(self._pipes)))
        self._follow(bar, stop)
        for process in self._processes:
            process.join()

    def check(self) -> None:
        """Few visits are refused (somebody's scheme ended); many would be a fault of ours."""
        refused = self.refused.total()
        if refused > REFUSED * self.settled:
            raise AssertionError(f"{refused:,} were refused: {self.refused.most_common(3)}")

    def _follow(self, bar: Progress | None, stop: Stop) -> None:
        """Listen until each process has ended its task."""
        waiting = list(self._pipes)
        while waiting:
            for pipe in connection.wait(waiting):
                assert isinstance(pipe, connection.Connection)
                told = self._heard(pipe)
                if told is None:
                    waiting.remove(pipe)
                    continue
                self.settled += told.settled
                self.refused.update(refusal.message for refusal in told.refused)
                if bar is not None:
                    bar.update(bar.task_ids[0], completed=self.settled)
                if self.stopped is None and (why := stop()):
                    self._stop(why)

    def _stop(self, why: str) -> None:
        self.stopped = why
        for pipe in self._pipes:
            with suppress(OSError):  # one that has just ended
                pipe.send(None)

    @staticmethod
    def _heard(pipe: Pipe) -> Told | None:
        try:
            told: Told | None = pipe.recv()
        except EOFError:
            raise NoRoom("a process ended before its work was done; it said why above") from None
        return told
