"""A sandbox's playground around the gateway tests' counter, and a browser before its console."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from tests.gateway.builders import Counter
from tests.settlement.builders import laws_of_beijing
from yibao.gateway.asgi import Gateway
from yibao.platform.journal import JournalReader
from yibao.platform.settings import Settings
from yibao.sandbox.playground import JOURNAL_FILE, Playground

HOST = "http://127.0.0.1:8765"


@dataclass
class Sandbox:
    """A counter whose gateway is a sandbox's, and the console that shows it."""

    counter: Counter
    playground: Playground
    browser: httpx.AsyncClient
    journal: JournalReader

    async def newest(self) -> int:
        """The id of the newest message, once everything that was sent is written."""
        before = 0
        while True:
            await asyncio.sleep(0.3)  # the journal writes ten times a second
            last = self.journal.last()
            if last == before and last:
                return last
            before = last

    async def page(self, path: str, status: int = 200, **options: Any) -> str:
        """A page's HTML."""
        answer = await self.browser.get(path, **options)
        assert answer.status_code == status, (path, answer.status_code, answer.text[:500])
        return answer.text

    async def token(self) -> str:
        """What our own forms carry."""
        found = re.search(r'name="token" value="([0-9a-f]+)"', await self.page("/ui/tools"))
        assert found is not None
        return found[1]

    async def submit(self, path: str, status: int = 200, **fields: str) -> str:
        """Send a form of the console; the page that answers."""
        form = {"token": await self.token()} | fields
        answer = await self.browser.post(path, data=form)
        assert answer.status_code == status, (path, answer.status_code, answer.text[:500])
        return answer.text


@asynccontextmanager
async def sandbox(counter: Counter, folder: Path, **settings: Any) -> AsyncIterator[Sandbox]:
    """The counter's gateway as a sandbox has it, with its console."""
    wanted = Settings(data=folder, sandbox=True, **settings)
    plain = counter.gateway.context
    playground = Playground(wanted, plain.clock)
    context = replace(
        plain,
        door=playground.door(plain.door),
        record=playground.record,
        faults=playground.faults,
        welcome=playground.welcome(plain.database, plain.references, plain.vault),
    )
    counter.gateway = Gateway(context)
    console = playground.console(context, counter.gateway.answer, laws_of_beijing())
    transport = httpx.ASGITransport(app=console, raise_app_exceptions=True)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=HOST) as browser:
        yield Sandbox(counter, playground, browser, JournalReader(folder / JOURNAL_FILE))
    playground.close()


def text_of(page: str) -> str:
    """A page's text without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
