"""Finding laws and reading documents for the commands of ``yibao law``.

A law is named by a file (``laws/430100/resident.toml``, ``mine.toml``) or by area and scheme
(``430100/390``, ``430100/resident``, ``430100``). What a file inherits is looked for in the folder
given by ``--laws``, then beside the file, then among the packaged laws.
"""

import difflib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NamedTuple

from yibao.policy.document import document_tree
from yibao.policy.law_book import LawBook
from yibao.policy.model import Law
from yibao.policy.parameters import LawError

SCHEMES = {"employee": "310", "resident": "390"}
"""Words that may stand for a scheme's code, as the packaged files are named."""

PACKAGED = "packaged"


class LawFile(NamedTuple):
    """A law file that was found, not yet read as a law."""

    name: str
    """As the law book knows it: ``430100/resident.toml``."""
    shown: str
    """As messages name it: the path given, or the packaged name."""
    document: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        """Area and scheme, as its head says."""
        head = self.document.get("law")
        if not isinstance(head, Mapping):
            raise LawError(self.shown, "law", "missing: a law file begins with [law]")
        for key in ("area", "scheme"):
            if not isinstance(head.get(key), str):
                raise LawError(self.shown, f"law.{key}", "missing, or not a text")
        return head["area"], head["scheme"]

    @property
    def inherits(self) -> str | None:
        """The area that it starts from."""
        return self.document["law"].get("inherits")


@dataclass
class Shelf:
    """Where laws are looked for."""

    folder: Path | None = None
    """``--laws``: a folder of ``<area>/<scheme>.toml``."""
    _read: dict[str, Law] = field(default_factory=dict)

    def law(self, name: str, scheme: str | None = None) -> Law:
        """The law by file, or by area and scheme; a division without a law has its city's.

        ``scheme`` is that of the bill, for a name without one. Raises LawError.
        """
        if is_file_name(name):
            return self.law_of(_file(Path(name)))
        area, _, given = name.partition("/")
        wanted = SCHEMES.get(given, given) or scheme
        return self.law_of(self._named(name, area, wanted))

    def laws(self, name: str) -> list[Law]:
        """The law by file, or all the laws of an area."""
        if is_file_name(name) or "/" in name:
            return [self.law(name)]
        found = [file.key[1] for file in self._of_division(name)]
        if not found:
            raise self._unknown(name)
        return [self.law(f"{name}/{scheme}") for scheme in dict.fromkeys(found)]

    def names(self) -> list[str]:
        """All laws that an area and scheme can name."""
        return sorted({"/".join(file.key) for file in self._files()})

    def _named(self, name: str, area: str, scheme: str | None) -> LawFile:
        files = [f for f in self._of_division(area) if scheme in (None, f.key[1])]
        schemes = {file.key[1] for file in files}
        if scheme is None and len(schemes) > 1:
            known = " or ".join(f"{area}/{one}" for one in sorted(schemes))
            raise LawError(name, "scheme", f"the area has several laws: say {known}")
        if not files:
            raise self._unknown(name)
        return files[0]

    def _of_division(self, division: str) -> list[LawFile]:
        """The laws of a division, else of its city, else of its province."""
        for area in (division, f"{division[:4]}00", f"{division[:2]}0000"):
            files = [file for file in self._files(area) if file.key[0] == area]
            if files:
                return files
        return []

    def _unknown(self, name: str) -> LawError:
        known = self.names()
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        return LawError(
            name, "law", f"no such file and no such law; {hint}known: {', '.join(known)}"
        )

    def law_of(self, file: LawFile, beside: Path | None = None) -> Law:
        """The law of a file and of all it inherits, and nothing else. Raises LawError."""
        if beside is None and Path(file.shown).is_file():
            beside = Path(file.shown).parent
        if file.shown in self._read:
            return self._read[file.shown]
        chain = [file]
        while (parent := chain[-1].inherits) is not None and len(chain) < 10:
            wanted = (parent, file.key[1])
            found = next((f for f in self._around(parent, beside) if f.key == wanted), None)
            if found is None or found.key in [other.key for other in chain]:
                break  # the law book says what is wrong
            chain.append(found)
        law = read_laws(chain)[file.key]
        self._read[file.shown] = law
        return law

    def _around(self, area: str, beside: Path | None) -> Iterator[LawFile]:
        if self.folder is not None:
            yield from _folder_files(self.folder, area)
        if beside is not None:
            yield from _folder_files(beside.absolute().parent, area)
            yield from (_file(path) for path in sorted(beside.glob("*.toml")) if _is_law(path))
        yield from packaged_laws(area)

    def _files(self, area: str | None = None) -> list[LawFile]:
        own = _folder_files(self.folder, area) if self.folder is not None else []
        taken = {file.key for file in own}
        return [*own, *(file for file in packaged_laws(area) if file.key not in taken)]


def is_file_name(name: str) -> bool:
    """Whether a law or document is named by a file."""
    return name.endswith((".toml", ".json")) or Path(name).is_file()


def read_laws(files: list[LawFile]) -> Mapping[tuple[str, str], Law]:
    """The laws of files that belong together, by area and scheme; errors name the shown file."""
    shown = {file.name: file.shown for file in files}
    try:
        book = LawBook.of_trees({f.name: document_tree(f.name, f.document) for f in files})
    except LawError as error:
        raise LawError(shown.get(error.file, error.file), error.key, error.reason) from None
    return {(str(area), str(scheme)): law for (area, scheme), law in book.laws.items()}


def law_files(path: Path) -> list[LawFile]:
    """The law files at a path: itself, or all of a folder of areas."""
    if path.is_dir():
        return _folder_files(path) or [_file(p) for p in sorted(path.glob("*.toml"))]
    return [_file(path)]


@cache
def packaged_laws(area: str | None = None) -> tuple[LawFile, ...]:
    """The laws that come with Yibao."""
    root = resources.files("yibao.policy").joinpath("data")
    return tuple(_area_files(root, area))


def packaged_cases() -> dict[str, Mapping[str, Any]]:
    """The published cases that come with Yibao, by file name."""
    folder = resources.files("yibao.policy").joinpath("cases")
    return {
        file.name: parsed(file.name, file.read_text(encoding="utf-8"))
        for file in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if file.name.endswith(".toml")
    }


def document(path: Path) -> Mapping[str, Any]:
    """A TOML or JSON document from disk. Raises LawError when it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise LawError(str(path), "(file)", "is not UTF-8 text") from None
    except OSError as error:
        raise LawError(str(path), "(file)", f"cannot be read: {error.strerror}") from None
    return parsed(str(path), text)


def parsed(name: str, text: str) -> Mapping[str, Any]:
    """A document from its text, with exact numbers. Raises LawError."""
    if name.endswith(".json"):
        return _parsed_json(name, text)
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, ValueError) as error:
        position = re.search(r"line (\d+)", str(error))
        line = text.splitlines()[int(position[1]) - 1].strip() if position else ""
        key = line.partition("=")[0].strip() or f"line {position[1]}" if position else "(file)"
        raise LawError(name, key, f"not valid TOML: {error}") from None


def _parsed_json(name: str, text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text, parse_float=Decimal, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise LawError(name, "(file)", f"not valid JSON: {error}") from None
    if not isinstance(found, dict):
        raise LawError(name, "(file)", "must be one JSON object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _file(path: Path) -> LawFile:
    found = document(path)
    head = found.get("law")
    area = head.get("area") if isinstance(head, Mapping) else None
    return LawFile(f"{area}/{path.name}", str(path), found)


def _is_law(path: Path) -> bool:
    try:
        return isinstance(document(path).get("law"), Mapping)
    except LawError:
        return False  # another file beside the law: not ours to judge


def _folder_files(folder: Path, area: str | None = None) -> list[LawFile]:
    return _area_files(folder, area, shown=str(folder))


def _area_files(
    root: Traversable, area: str | None = None, shown: str | None = None
) -> list[LawFile]:
    """The files of a folder of areas; of one area alone where it is given."""
    if not root.is_dir():
        return []
    areas = [root.joinpath(area)] if area is not None else list(root.iterdir())
    files = []
    for folder in sorted(areas, key=lambda entry: entry.name):
        if not (folder.is_dir() and re.fullmatch(r"\d{6}", folder.name)):
            continue
        for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if file.name.endswith(".toml"):
                name = f"{folder.name}/{file.name}"
                where = name if shown is None else f"{shown}/{name}"
                files.append(LawFile(name, where, parsed(where, file.read_text("utf-8"))))
    return files
