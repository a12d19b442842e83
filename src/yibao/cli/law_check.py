"""``yibao law check``: every law read strictly."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.markup import escape

from yibao.cli.law_files import Shelf, law_paths, packaged_laws
from yibao.policy.load import load_law_book
from yibao.policy.model import Law
from yibao.policy.parameters import LawError


@dataclass(frozen=True, slots=True)
class Checked:
    """A law file that is in order, or what is wrong with it."""

    file: str
    area: str = ""
    scheme: str = ""
    title: str = ""
    fingerprint: str = ""
    error: LawError | None = None

    def as_json(self) -> dict[str, Any]:
        """For programs; ``error`` is null for a law in order."""
        error = self.error
        return {
            "file": self.file,
            "ok": error is None,
            "area": self.area,
            "scheme": self.scheme,
            "title": self.title,
            "fingerprint": self.fingerprint,
            "error": error and {"file": error.file, "key": error.key, "reason": error.reason},
        }


def checked(paths: list[Path], folder: Path | None) -> list[Checked]:
    """The laws at the paths (default: the packaged ones), each with its verdict."""
    shelf = Shelf(folder)
    found: list[Checked] = []
    for path in paths or [packaged_laws()]:
        found += _in_folder(path, shelf) if path.is_dir() else [_one(path, shelf)]
    return found


def _in_folder(folder: Path, shelf: Shelf) -> list[Checked]:
    """The laws of a folder: together, for they may share counters; else one by one."""
    files = law_paths(folder)
    if not files:
        return [Checked(str(folder), error=LawError(str(folder), "(folder)", "holds no law file"))]
    if files[0].parent == folder:  # no folder of areas
        return [_one(file, shelf) for file in files]
    try:
        book = load_law_book(folder)
    except LawError as error:
        verdicts = [_one(file, shelf) for file in files]
        if error.key == "law.inherits" or any(one.error for one in verdicts):
            return verdicts  # what a folder inherits may lie elsewhere
        return [*verdicts, Checked(error.file, error=error)]
    return [_in_order(law.file, law) for law in book.laws.values()]


def _one(file: Path, shelf: Shelf) -> Checked:
    try:
        return _in_order(str(file), shelf.law_in(file))
    except LawError as error:
        return Checked(str(file), error=error)
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
        return Checked(str(file), error=LawError(str(file), "(file)", reason))


def _in_order(file: str, law: Law) -> Checked:
    return Checked(file, law.area, law.scheme, law.title, law.fingerprint)


def lines(found: list[Checked]) -> list[str]:
    """A line a law, in markup: its fingerprint, or file, key and reason."""
    return [_line(one) for one in found]


def _line(one: Checked) -> str:
    error = one.error
    if error is None:
        law = f"{one.fingerprint[:12]}  {one.file}  {one.area}/{one.scheme} {one.title}"
        return f"[green]✓[/green] {escape(law)}"
    within = "" if one.file.endswith(error.file) else f"{error.file}: "
    return f"[red]✗[/red] {escape(f'{one.file}: {within}{error.key}: {error.reason}')}"
