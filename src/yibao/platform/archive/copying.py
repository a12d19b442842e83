"""Files of the archive are copied into a backup, and laid into a folder again: all or none."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from yibao.platform.archive import files
from yibao.platform.archive.model import ArchivedFile, ArchiveFault, Manifest

_PIECE = 1 << 18


def pieces(file: ArchivedFile, folder: Path) -> Iterator[bytes]:
    """A file's bytes. Raises ArchiveFault when it is missing or not what was signed for."""
    files.check_unchanged(file, folder)
    path = file.path(folder)
    try:
        with path.open("rb") as opened:
            while piece := opened.read(_PIECE):
                yield piece
    except OSError as fault:
        raise ArchiveFault(f"{path}: {fault.strerror or fault}") from None


class Laid:
    """An archive's folder into which files are laid."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._new: list[Path] = []

    def file(self, path: str, content: Iterable[bytes]) -> None:
        """A file where it was; one that lies there already, and is the same, is left alone.

        ``path`` is below the folder, with slashes. Raises ArchiveFault when another file lies
        there, or it cannot be written.
        """
        whole = self._folder / _below(path)
        aside = whole.with_name(f".{whole.name}.unfinished")
        files.make_folder(self._folder)
        try:
            whole.parent.mkdir(parents=True, exist_ok=True)
            with aside.open("wb") as opened:
                opened.writelines(content)
            self._place(aside, whole)
        except OSError as fault:
            raise ArchiveFault(f"{whole}: {fault.strerror or fault}") from None
        finally:
            aside.unlink(missing_ok=True)

    def _place(self, aside: Path, path: Path) -> None:
        if not path.exists():
            files.sync(aside)
            aside.replace(path)
            files.sync(path.parent)
            self._new.append(path)
        elif files.digest(path) != files.digest(aside):
            raise ArchiveFault(
                f"{path} is there already, and is another file: name another folder (setting"
                " archive)"
            )

    def manifest(self, manifest: Manifest) -> None:
        """A month's manifest beside its files, unless one is there. Raises ArchiveFault."""
        path = manifest.path(self._folder)
        if not path.exists():
            files.write_manifest(manifest, self._folder)
            self._new.append(path)

    def take_back(self) -> None:
        """Remove what was laid here, and the folders that are empty then."""
        for path in reversed(self._new):
            path.unlink(missing_ok=True)
            for folder in path.relative_to(self._folder).parents:
                if not any((self._folder / folder).iterdir()):
                    (self._folder / folder).rmdir()


@contextmanager
def all_or_none(folder: Path) -> Iterator[Laid]:
    """Lay files into a folder; when the block fails, none of them stays."""
    laid = Laid(folder)
    try:
        yield laid
    except BaseException:
        laid.take_back()
        raise


def _below(path: str) -> Path:
    """A path that does not lead out of the folder. Raises ArchiveFault."""
    found = PurePosixPath(path)
    if found.is_absolute() or ".." in found.parts:
        raise ArchiveFault(f"{path} is no place in an archive")
    return Path(found)
