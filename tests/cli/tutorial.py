"""The tutorial as a program: its files written, its commands run, its output put in place.

``python -m tests.cli.tutorial`` writes the output anew into ``docs/law/tutorial.md`` after a change
of what the commands print; ``test_law_documentation`` compares it.
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

from typer.testing import CliRunner

from yibao.cli.law import console
from yibao.cli.main import cli

WIDTH = 100
"""Columns of the terminal that the page shows."""

PAGE = Path(__file__).parents[2] / "docs" / "law" / "tutorial.md"

BLOCK = re.compile(
    r"^`(?P<file>[\w.-]+)`:\n\n```toml\n(?P<text>.*?)```"
    r"|instead of\n\n```toml\n(?P<old>.*?)```\n\nwrite, and save it as `(?P<copy>[\w.-]+)`:\n\n"
    r"```toml\n(?P<new>.*?)```(?:\n\nand beside the other sources\n\n```toml\n(?P<source>.*?)```)?"
    r"|```console\n(?P<session>.*?)```",
    re.DOTALL | re.MULTILINE,
)
"""A file, a changed copy of the first file, or a session of commands and what they print."""


def played(page: str) -> str:
    """The page with the output that its commands print today."""
    first: Path | None = None
    with tempfile.TemporaryDirectory() as folder, chdir(folder), _wide():
        parts, end = [], 0
        for block in BLOCK.finditer(page):
            parts.append(page[end : block.start()])
            end = block.end()
            told = block[0]
            if block["file"]:
                Path(block["file"]).write_text(block["text"], encoding="utf-8")
                first = first or Path(block["file"])
            elif block["copy"]:
                assert first is not None
                _copy(first, block)
            else:
                told = f"```console\n{_session(block['session'])}```"
            parts.append(told)
    return "".join([*parts, page[end:]])


@contextmanager
def _wide() -> Iterator[None]:
    """The console was made when its module was imported, perhaps for a narrower terminal."""
    before = console.width
    console.width = WIDTH
    try:
        yield
    finally:
        console.width = before


def _copy(original: Path, block: re.Match[str]) -> None:
    text = original.read_text(encoding="utf-8")
    assert block["old"] in text, block["old"]
    text = text.replace(block["old"], block["new"])
    if block["source"]:
        text = text.replace("[sources]\n", f"[sources]\n{block['source']}")
    Path(block["copy"]).write_text(text, encoding="utf-8")


def _session(session: str) -> str:
    """The commands of a session, each with its output."""
    parts = []
    for command in re.findall(r"^\$ yibao (.*)$", session, re.MULTILINE):
        result = CliRunner().invoke(cli, command.split(), env={"COLUMNS": str(WIDTH)})
        output = re.sub(r"[ ]+$", "", result.output, flags=re.MULTILINE)
        parts.append(f"$ yibao {command}\n{output}")
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(played(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
