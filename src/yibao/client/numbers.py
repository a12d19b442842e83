"""Message ids (发送方报文ID): institution code, second, serial number; 30 characters."""

from datetime import datetime, timedelta

from yibao.kernel.periods import local_time

_PER_SECOND = 10_000
_CODE_LENGTH = 12


class MessageNumbers:
    """Gives every message of one institution an id of its own.

    The serial goes on from second to second. When it has come round within one second, the id takes
    the next second instead of waiting: ids must differ, they need not tell the time.
    """

    def __init__(self, institution: str, first: int = 0) -> None:
        self._code = institution[:_CODE_LENGTH].ljust(_CODE_LENGTH, "0")
        self._serial = first % _PER_SECOND
        self._second = datetime.min  # noqa: DTZ901 - compared with local civil time only
        self._used = 0

    def next(self, now: datetime) -> str:
        """The next ``msgid`` at the aware instant ``now``."""
        second = local_time(now).replace(microsecond=0)
        if second > self._second:
            self._second, self._used = second, 0
        elif self._used == _PER_SECOND:
            self._second, self._used = self._second + timedelta(seconds=1), 0
        serial = self._serial
        self._serial = (self._serial + 1) % _PER_SECOND
        self._used += 1
        return f"{self._code}{self._second:%Y%m%d%H%M%S}{serial:04d}"
