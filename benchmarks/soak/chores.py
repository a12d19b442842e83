"""What a server does every hour by itself, done once, now: ``python -m benchmarks.soak.chores``.

The same jobs as ``house`` gives to its housekeeping; errands of other pools are left to the server.
"""

import argparse
import asyncio
from pathlib import Path

from yibao.house import JOBS
from yibao.ledger.heads import service as heads
from yibao.platform.access import service as access
from yibao.platform.clock import SystemClock
from yibao.platform.crypto import Vault, load_key
from yibao.platform.database import Database
from yibao.platform.jobs import Housekeeping
from yibao.platform.postgres import running_dsn
from yibao.platform.settings import Settings, load_settings


def main() -> None:
    """Exit code 1 when a job failed; none when a server is just at it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    settings = load_settings({"data": parser.parse_args().data, "sandbox": True})
    raise SystemExit(asyncio.run(_done(settings)))


async def _done(settings: Settings) -> int:
    dsn = running_dsn(settings.data / "postgres")
    if dsn is None:
        return 1
    vault = Vault(load_key(settings))
    jobs = JOBS | {"access": access.removal(vault, settings.access_days), "heads": heads.job(vault)}
    database = await Database.open(dsn, writers=1, readers=1)
    try:
        done = await Housekeeping(database, SystemClock(), jobs).once()
    finally:
        await database.close()
    return int(done is not None and done.keys() != jobs.keys())


if __name__ == "__main__":
    main()
