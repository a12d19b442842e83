"""``yibao`` as a policy office runs it: on a database of one's own, with laws of one's own."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from typer.testing import CliRunner

from tests.settlement.laws import SPENT, capped, law_text
from yibao.cli.main import cli

CASES = """
[[case]]
id = "half"
title = "half of everything"
source = "none"
law = "110000/310"
bill = { day = 2026-07-15, level = "l3", sums = { in_scope = 100 } }
expected = { funds = %s }
"""


class Ended(NamedTuple):
    """A command that has ended."""

    returncode: int
    stdout: str
    stderr: str


class Office:
    """A folder of laws, and the command on a database."""

    def __init__(self, folder: Path, dsn: str) -> None:
        self.folder = folder
        self.dsn = dsn
        self.write("laws/110000/employee.toml", law_text(capped("1000"), counters=SPENT))
        self.new = self.write("new.toml", law_text(capped("1000", "0.8"), counters=SPENT))
        self.cases = self.write("cases.toml", CASES % "80")

    def write(self, name: str, text: str) -> Path:
        """A file in the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    async def run(self, *arguments: object) -> Ended:
        """Run ``yibao`` with arguments, in a thread: it has an event loop of its own."""
        result = await asyncio.to_thread(
            CliRunner().invoke, cli, [str(one) for one in arguments], env=self._environment()
        )
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ended(result.exit_code, result.stdout, result.stderr)

    async def answer(self, *arguments: object) -> Mapping[str, Any]:
        """What ``yibao … --json`` prints; it must end well."""
        done = await self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        answer: Mapping[str, Any] = json.loads(done.stdout)
        return answer

    async def propose(self, start: str = "2026-07-01", by: str = "Li") -> int:
        """Propose the new law; the number of the proposal."""
        answer = await self.answer(
            "law", "activate", self.new, "--cases", self.cases, "--from", start, "--by", by
        )
        number: int = answer["releases"][0]["number"]
        return number

    async def release(self, number: int, by: str = "Wang") -> Ended:
        """Release a proposal."""
        return await self.run("law", "activate", "--release", number, "--by", by)

    def _environment(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self.dsn,
            "YIBAO_LAW": str(self.folder / "laws"),
            "YIBAO_DATA": str(self.folder / "var"),
            "YIBAO_VAULT_KEY": (b"k" * 32).hex(),
            "COLUMNS": "200",
        }
