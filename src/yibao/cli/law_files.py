"""Finding laws and reading documents for the commands of ``yibao law``.

A law is named by a file (``laws/430100/resident.toml``, ``mine.toml``) or by area and scheme
(``430100/390``, ``430100/resident``, ``430100``). What a file inherits is looked for beside it, in
the folder given by ``--laws``, then among the packaged laws.
"""

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

from yibao.policy import load
from yibao.policy.model import Law
from yibao.policy.parameters import LawError

SCHEMES = {"employee": "310", "resident": "390"}
"""Words that may stand for a scheme's code, as the packaged files are named."""


@dataclass
class Shelf:
    """Where laws are looked for."""

    folder: Path | None = None
    """``--laws``: a folder of ``<area>/<scheme>.toml``."""

    def __post_init__(self) -> None:
        if self.folder is not None and not self.folder.is_dir():
            raise LawError(str(self.folder), "--laws", "is no folder")

    def law(self, name: str, scheme: str | None = None) -> Law:
        """The law by file, or by area and scheme; a division without a law has its city's.

        ``scheme`` is that of the bill, for a name that says none. Raises LawError; OSError for a
        file that cannot be read.
        """
        if is_file_name(name):
            return self.law_in(Path(name))
        area, _, given = name.partition("/")
        wanted = SCHEMES.get(given, given) or scheme
        schemes = self._of_division(area)
        if wanted is None and len(schemes) > 1:
            known = " or ".join(f"{area}/{one}" for one in sorted(schemes))
            raise LawError(name, "law", f"the area has several laws: say {known}")
        if not schemes or (wanted is not None and wanted not in schemes):
            raise self._unknown(name)
        return self.law_in(schemes[wanted or next(iter(schemes))])

    def laws(self, name: str) -> list[Law]:
        """The law by file or by area and scheme, or all the laws of an area."""
        if is_file_name(name) or "/" in name:
            return [self.law(name)]
        schemes = self._of_division(name)
        if not schemes:
            raise self._unknown(name)
        return [self.law_in(path) for _, path in sorted(schemes.items())]

    def law_in(self, path: Path) -> Law:
        """The law in a file, with what it inherits."""
        return load.load_law(path, self.folder)

    def names(self) -> list[str]:
        """The areas and schemes that can be named."""
        areas = {path.name for root in self._roots() for path in root.iterdir() if path.is_dir()}
        return sorted(f"{area}/{one}" for area in areas for one in self._of_division(area))

    def _of_division(self, division: str) -> dict[str, Path]:
        """The law files by scheme of a division, else of its city, else of its province."""
        if re.fullmatch(r"\d{6}", division) is None:
            return {}
        for area in (division, f"{division[:4]}00", f"{division[:2]}0000"):
            found: dict[str, Path] = {}
            for root in self._roots():
                for path in sorted(root.joinpath(area).glob("*.toml")):
                    found.setdefault(_scheme_of(path), path)
            if found:
                return found
        return {}

    def _roots(self) -> list[Path]:
        return [packaged_laws()] if self.folder is None else [self.folder, packaged_laws()]

    def _unknown(self, name: str) -> LawError:
        area = name.partition("/")[0]
        own = [f"{area}/{scheme}" for scheme in sorted(self._of_division(area))]
        if own:
            return LawError(name, "law", f"no such law; the area has {' and '.join(own)}")
        known = self.names()
        like = known if "/" in name else [one.partition("/")[0] for one in known]
        near = difflib.get_close_matches(name, like, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        reason = f"no such file and no such law; {hint}there are {', '.join(known)}"
        return LawError(name, "law", reason)


def is_file_name(name: str) -> bool:
    """Whether a law or document is named by a file."""
    return name.endswith((".toml", ".json")) or Path(name).is_file()


def law_paths(path: Path) -> list[Path]:
    """The law files at a path: itself, or those of a folder, which may hold folders of areas."""
    if not path.is_dir():
        return [path]
    return sorted(path.glob("*/*.toml")) or sorted(path.glob("*.toml"))


def packaged_laws() -> Path:
    """The folder of the laws that come with Yibao."""
    return Path(str(resources.files("yibao.policy").joinpath("data")))


def packaged_cases() -> dict[str, Mapping[str, Any]]:
    """The published cases that come with Yibao, by file name."""
    folder = Path(str(resources.files("yibao.policy").joinpath("cases")))
    return {path.name: document(path) for path in sorted(folder.glob("*.toml"))}


def document(path: Path) -> Mapping[str, Any]:
    """A TOML or JSON document from disk, its numbers exact. Raises LawError, OSError."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise LawError(str(path), "(file)", "is not text in UTF-8") from None
    if path.suffix == ".json":
        return _parsed_json(str(path), text)
    return load.parsed(str(path), text.replace("\r\n", "\n"))


def _parsed_json(name: str, text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text, parse_float=Decimal, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise LawError(name, "(file)", f"not valid JSON: {error}") from None
    if not isinstance(found, dict):
        raise LawError(name, "(file)", "must be one JSON object")
    load.check_depth(name, found)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    for text in (*found, *found.values()):
        if isinstance(text, str):
            text.encode()  # half a surrogate pair is no text: UnicodeEncodeError is a ValueError
    return found


def _scheme_of(path: Path) -> str:
    head = document(path).get("law")
    scheme = head.get("scheme") if isinstance(head, Mapping) else None
    return scheme if isinstance(scheme, str) else path.stem
