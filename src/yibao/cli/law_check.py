"""``yibao law check``: every law read strictly, one by one, then together."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from yibao.cli.law_files import LawFile, Shelf, law_files, packaged_laws, read_laws
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
    found: list[Checked] = []
    for path in paths:
        try:
            files = law_files(path)
        except LawError as error:
            found.append(Checked(error.file, error=error))
            continue
        if not files:
            error = LawError(str(path), "(folder)", "holds no <area>/<scheme>.toml")
            found.append(Checked(str(path), error=error))
        found += _together(files, Shelf(folder))
    return found if paths else _together(list(packaged_laws()), Shelf(folder))


def _together(files: list[LawFile], shelf: Shelf) -> list[Checked]:
    """Each law for itself; if all are in order, also whether they may stand side by side."""
    found = [_one(file, shelf) for file in files]
    if len(files) > 1 and all(one.error is None for one in found):
        try:
            read_laws(files)
        except LawError as error:
            if error.key != "law.inherits":  # what a folder inherits may lie elsewhere
                return [*found, Checked(error.file, error=error)]
    return found


def _one(file: LawFile, shelf: Shelf) -> Checked:
    try:
        law = shelf.law_of(file)
    except LawError as error:
        return Checked(file.shown, error=error)
    return Checked(file.shown, law.area, law.scheme, law.title, law.fingerprint)


def render(found: list[Checked]) -> RenderableType:
    """A line a law: its fingerprint, or file, key and reason."""
    table = Table("", "file", "law", "fingerprint, or what is wrong", box=None, pad_edge=False)
    for one in found:
        if one.error is None:
            told = one.fingerprint[:12]
            table.add_row(
                "[green]✓[/green]", one.file, f"{one.area}/{one.scheme} {one.title}", told
            )
        else:
            where = "" if one.error.file == one.file else f"{one.error.file}: "
            table.add_row(
                "[red]✗[/red]", one.file, "", f"{where}{one.error.key}: {one.error.reason}"
            )
    return table
