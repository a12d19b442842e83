"""Runs every story and every form against a target."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from yibao.client import Client
from yibao.conformance.forms import forms
from yibao.conformance.model import Report, Target
from yibao.conformance.probe import Probe
from yibao.conformance.stories.base import base
from yibao.conformance.stories.files import files
from yibao.conformance.stories.outpatient import outpatient
from yibao.conformance.stories.pharmacy import pharmacy
from yibao.conformance.stories.stay import stay
from yibao.gateway.tables import tables

STORIES = {
    "base": base,
    "outpatient": outpatient,
    "stay": stay,
    "pharmacy": pharmacy,
    "files": files,
}


async def run(
    target: Target, *, with_forms: bool = True, on_story: Callable[[str], None] = lambda _: None
) -> Report:
    """Try a server; what it answers is judged, nothing is raised for what it does wrong."""
    async with AsyncExitStack() as stack:
        hospital = await stack.enter_async_context(Client(target.hospital))
        shop = (
            None
            if target.pharmacy is None
            else await stack.enter_async_context(Client(target.pharmacy))
        )
        probe = Probe(target, hospital, shop)
        for name, story in STORIES.items():
            on_story(name)
            await story(probe)
        if with_forms:
            on_story("bad input")
            await forms(probe, _with_tables())
        return probe.report


def _with_tables() -> list[str]:
    """The transactions whose input fields are known."""
    return sorted(number for number, table in tables().transactions.items() if table.input)
