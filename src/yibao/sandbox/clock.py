"""The sandbox's clock: set in one process, followed by all."""

from datetime import UTC, datetime, timedelta

from yibao.platform.clock import Clock, SettableClock
from yibao.sandbox.store.shared import SharedFile


class SharedClock:
    """The machine's time until somebody sets another; a set clock runs on or stands still."""

    def __init__(self, shared: SharedFile, machine: Clock) -> None:
        self._shared = shared
        self._machine = machine
        self._version = -1
        self._clock = machine

    def now(self) -> datetime:
        """The aware UTC instant, at most 0.2 seconds behind a change made in another process."""
        if self._shared.version() != self._version:
            self._read()
        return self._clock.now()

    def is_set(self) -> bool:
        """Whether another time than the machine's was set."""
        self._read()
        return self._clock is not self._machine

    def set(self, instant: datetime | None, *, running: bool = True) -> None:
        """Set the clock to an aware instant; None gives it the machine's time back."""
        if instant is None:
            self._shared.unset_clock()
        elif instant.tzinfo is None:
            raise ValueError(f"not an aware instant: {instant}")
        else:
            self._shared.set_clock(instant, datetime.now(UTC), running=running)
        self._read()

    def _read(self) -> None:
        version = self._shared.version()
        setting = self._shared.clock()
        if setting is None:
            self._clock = self._machine
        else:
            instant, set_at, running = setting
            passed = datetime.now(UTC) - set_at if running else timedelta()
            self._clock = SettableClock(instant + passed, running=running)
        self._version = version
