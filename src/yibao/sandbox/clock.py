"""The sandbox's clock: set in one process, followed by all."""

from datetime import UTC, datetime, timedelta

from yibao.platform.clock import Clock, SettableClock
from yibao.sandbox.shared import SharedFile


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
        with self._shared.lock:
            self._shared.connection.execute("DELETE FROM clock")
            if instant is not None:
                if instant.tzinfo is None:
                    raise ValueError(f"not an aware instant: {instant}")
                self._shared.connection.execute(
                    "INSERT INTO clock VALUES (1, ?, ?, ?)",
                    (instant.isoformat(), datetime.now(UTC).isoformat(), running),
                )
        self._read()

    def _read(self) -> None:
        version = self._shared.version()
        with self._shared.lock:
            row = self._shared.connection.execute(
                "SELECT instant, set_at, running FROM clock"
            ).fetchone()
        if row is None:
            self._clock = self._machine
        else:
            instant, set_at = (datetime.fromisoformat(text) for text in row[:2])
            passed = datetime.now(UTC) - set_at if row[2] else timedelta()
            self._clock = SettableClock(instant + passed, running=bool(row[2]))
        self._version = version
