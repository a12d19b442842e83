"""Reads law files: the one place of the pure rooms that touches the disk."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from decimal import Decimal
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from yibao.policy.document import Node, document_tree
from yibao.policy.law_book import LawBook, head_of, parent_of
from yibao.policy.model import Law
from yibao.policy.parameters import LawError

DEEPEST = 64
"""Tables and lists within each other: a law has some ten."""

UNREADABLE = (tomllib.TOMLDecodeError, ValueError, RecursionError)
"""What the parser raises: the last two for numbers of thousands of digits and for deep nests."""


def load_law_book(folder: Path | None = None) -> LawBook:
    """The laws in ``folder/<area>/<scheme>.toml``; by default those packaged with Yibao.

    Raises LawError, naming file, key and reason, if any file cannot be used.
    """
    root = folder or _packaged()
    areas = sorted((entry for entry in root.iterdir() if entry.is_dir()), key=lambda e: e.name)
    trees = [tree for area in areas for tree in _trees_in(area, f"{area.name}/")]
    return LawBook.of_trees({tree.file: tree for tree in trees})


def load_law(path: Path, folder: Path | None = None) -> Law:
    """The law in one file, wherever it lies.

    What it inherits is looked for beside it, in ``folder/<area>/``, and among the packaged laws.
    Raises LawError; OSError when the file cannot be read.
    """
    beside = path.parent
    in_layout = re.fullmatch(r"\d{6}", beside.name) is not None
    name = f"{beside.name}/{path.name}" if in_layout else path.name
    tree = _tree(name, path)
    trees = {name: tree}
    roots = [beside.parent, *([] if folder is None else [folder]), _packaged()]
    key = head_of(tree)
    while (parent := parent_of(tree)) is not None and parent not in map(head_of, trees.values()):
        candidates = [] if in_layout else list(_laws_beside(beside, parent[0]))
        for root in roots:
            area = root.joinpath(parent[0])
            candidates += _trees_in(area, f"{parent[0]}/") if area.is_dir() else []
        found = [candidate for candidate in candidates if head_of(candidate) == parent]
        if not found:
            break  # the book says what is missing
        tree = found[0]
        trees[tree.file] = tree
    return LawBook.of_trees(trees).laws[key]


def law_book_of(files: dict[str, str]) -> LawBook:
    """The law book of TOML texts by file name (``110000/employee.toml``). Raises LawError."""
    return LawBook.of_trees(
        {name: document_tree(name, parsed(name, text)) for name, text in files.items()}
    )


def parsed(name: str, text: str) -> dict[str, Any]:
    """The document of a TOML text, its numbers exact. Raises LawError."""
    try:
        found = tomllib.loads(text, parse_float=Decimal)
    except UNREADABLE as error:
        raise LawError(name, _key_at(text, str(error)), f"not valid TOML: {error}") from None
    check_depth(name, found)
    return found


def check_depth(name: str, document: dict[str, Any]) -> None:
    """Refuse tables in tables beyond any law or bill: dotted keys make them cheaply."""
    level: list[Any] = [document]
    for _ in range(DEEPEST):
        level = [child for value in level for child in _children(value)]
        if not level:
            return
    raise LawError(name, "(file)", f"tables within tables, more than {DEEPEST} deep")


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _packaged() -> Traversable:
    return resources.files("yibao.policy").joinpath("data")


def _trees_in(folder: Traversable, prefix: str) -> Iterator[Node]:
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml") and file.is_file():
            yield _tree(f"{prefix}{file.name}", file)


def _laws_beside(folder: Traversable, area: str) -> Iterator[Node]:
    """The laws of an area among the files of a folder that holds bills and cases, too."""
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if (
            file.name.endswith(".toml")
            and file.is_file()
            and area in (text := _text(file.name, file))
        ):
            document = parsed(file.name, text)
            head = document.get("law")
            if isinstance(head, dict) and head.get("area") == area:
                yield document_tree(file.name, document)


def _tree(name: str, file: Traversable) -> Node:
    return document_tree(name, parsed(name, _text(name, file)))


def _text(name: str, file: Traversable) -> str:
    """A file's text: an editor of Windows may begin it with a byte-order mark."""
    try:
        return file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise LawError(name, f"byte {error.start}", "not text in UTF-8") from None


def _key_at(text: str, message: str) -> str:
    """The key that the parser's position ("at line 3, column 8") belongs to, as well as it goes."""
    position = re.search(r"line (\d+), column (\d+)", message)
    if position is None:
        return "(end of file)"
    line = text.splitlines()[int(position[1]) - 1]
    keys = re.findall(r"([\w.\-]+)\s*=", line[: int(position[2])])
    return keys[-1] if keys else f"line {position[1]}"
