"""Reads law files: the one place of the pure rooms that touches the disk."""

import re
import tomllib
from decimal import Decimal
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from yibao.policy.document import document_tree
from yibao.policy.law_book import LawBook
from yibao.policy.parameters import LawError


def load_law_book(folder: Path | None = None) -> LawBook:
    """The laws in ``folder/<area>/<scheme>.toml``; by default those packaged with Yibao.

    Raises LawError, naming file, key and reason, if any file cannot be used.
    """
    root: Traversable = folder or resources.files("yibao.policy").joinpath("data")
    files = {
        f"{area.name}/{file.name}": file.read_text(encoding="utf-8")
        for area in sorted(root.iterdir(), key=lambda entry: entry.name)
        if area.is_dir()
        for file in sorted(area.iterdir(), key=lambda entry: entry.name)
        if file.name.endswith(".toml")
    }
    return law_book_of(files)


def law_book_of(files: dict[str, str]) -> LawBook:
    """The law book of TOML texts by file name (``110000/employee.toml``). Raises LawError."""
    return LawBook.of_trees(
        {name: document_tree(name, _parsed(name, text)) for name, text in files.items()}
    )


def _parsed(name: str, text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise LawError(name, _key_at(text, str(error)), f"not valid TOML: {error}") from None


def _key_at(text: str, message: str) -> str:
    """The key that the parser's position ("at line 3, column 8") belongs to, as well as it goes."""
    position = re.search(r"line (\d+), column (\d+)", message)
    if position is None:
        return "(end of file)"
    line = text.splitlines()[int(position[1]) - 1]
    keys = re.findall(r"([\w.\-]+)\s*=", line[: int(position[2])])
    return keys[-1] if keys else f"line {position[1]}"
