"""The platform's clock: it decides business days, and only a sandbox can set it."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Whoever needs the time is handed one of these."""

    def now(self) -> datetime:
        """The aware UTC instant."""
        ...


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        """The aware UTC instant."""
        return datetime.now(UTC)


class SettableClock:
    """A clock that was set and runs on from there, or stands still until it is moved."""

    def __init__(self, instant: datetime, *, running: bool = False) -> None:
        """``instant`` must be aware."""
        self._running = running
        self.set(instant)

    def now(self) -> datetime:
        """The aware UTC instant."""
        return self._instant + (datetime.now(UTC) - self._set_at if self._running else timedelta())

    def set(self, instant: datetime) -> None:
        """Set the clock to an aware instant."""
        if instant.tzinfo is None:
            raise ValueError(f"not an aware instant: {instant}")
        self._instant = instant.astimezone(UTC)
        self._set_at = datetime.now(UTC)

    def move(self, span: timedelta) -> None:
        """Move the clock on (or back)."""
        self.set(self.now() + span)
