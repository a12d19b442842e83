"""The process that listens and starts the worker processes: ``python -m yibao.server``.

``yibao serve`` runs it with everything around it; its settings come from the environment. It has
imported the house and read the law before the workers are forked from it: they share that memory,
and one that died is replaced in a moment.
"""

import gc
import resource
from contextlib import suppress

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from yibao import app
from yibao.house import loaded_law_book
from yibao.platform.settings import Settings, load_settings
from yibao.policy.parameters import LawError

BACKLOG = 2048
RESPAWN_SECONDS = 0.5
"""How long a dead worker stays dead; one that dies at once is not to keep a core busy."""
HOUSE_SECONDS = 10
"""What a worker gets beyond its last call, to empty its journals and let go of the database."""
_FILES_BESIDE = 128
"""Files that a process has open beside its callers' connections."""


def main() -> None:
    """Serve until SIGTERM."""
    settings = load_settings()
    with suppress(LawError):  # every worker finds it again, and tells it on /readyz
        loaded_law_book(settings.law)
    gc.collect()
    gc.freeze()  # the collector of a worker would copy every page by looking at it
    Granian(
        f"{app.__name__}:{app.application.__name__}",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=settings.workers,
        backlog=BACKLOG,
        # not what the backlog leaves: an open connection counts, and who waits in the backlog
        # hears nothing, not even that he is to come again
        backpressure=_allowed(settings),
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        respawn_interval=RESPAWN_SECONDS,
        workers_kill_timeout=int(settings.shutdown_limit + HOUSE_SECONDS),
    ).serve()


def _allowed(settings: Settings) -> int:
    """Of the connections a worker may have, those that the system lets it have open."""
    connections = settings.connections
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _FILES_BESIDE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return connections if soft == resource.RLIM_INFINITY else min(connections, soft - _FILES_BESIDE)


if __name__ == "__main__":
    main()
