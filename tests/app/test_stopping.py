"""A process that is told to end: not ready first, then not accepting."""

import asyncio
from pathlib import Path

import pytest

from tests.app.test_app import settings_for, started
from yibao.kernel.refusals import RefusalCode
from yibao.platform.stopping import LOOK_SECONDS, STOPPING_VARIABLE, Phase, tell


async def test_it_serves_while_it_leaves_and_accepts_nothing_while_it_closes(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "stopping"
    monkeypatch.setenv(STOPPING_VARIABLE, str(file))
    async with started(settings_for(dsn)) as browser:
        await browser.until_ready()
        tell(file, Phase.LEAVING)
        await asyncio.sleep(3 * LOOK_SECONDS)
        ready = await browser.ask("GET", "/readyz")
        assert (ready.status, ready.json["missing"]) == (503, "stopping")
        served = await browser.ask("POST", "/", b"{}")
        assert served.json["infcode"] == RefusalCode.NOT_AUTHENTICATED
        tell(file, Phase.CLOSING)
        await asyncio.sleep(3 * LOOK_SECONDS)
        turned_away = await browser.ask("POST", "/", b"{}")
        assert turned_away.json["infcode"] == RefusalCode.BUSY
        assert turned_away.headers["connection"] == "close"
        assert (await browser.ask("GET", "/livez")).status == 200
