"""The months that were put away: their files go into a backup, and come back beside the database.

A file is never changed after its month was put away, and the database knows its SHA-256: so files
are read after the snapshot has ended, and one that is not what was signed for is found here.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

from yibao.platform.archive.copying import Laid, pieces
from yibao.platform.archive.model import ArchiveFault, Manifest
from yibao.platform.backup.content import Content, ContentWriter
from yibao.platform.backup.model import BackupFault, PartSum

Told = Callable[[str, int], None]


def months(manifests: Sequence[Manifest]) -> tuple[str, ...]:
    """Pools and months, as ``110000/2024-05``."""
    return tuple(manifest.path(Path()).parent.as_posix() for manifest in manifests)


def write(
    content: ContentWriter, folder: Path, manifests: Sequence[Manifest], tell: Told
) -> tuple[PartSum, ...]:
    """The files of months into a backup. Raises BackupFault when one is not what it was."""
    sums = []
    try:
        for manifest, month in zip(manifests, months(manifests), strict=True):
            for file in manifest.files:
                content.begin_file(file.path(Path()).as_posix())
                for piece in pieces(file, folder):
                    content.piece(piece)
                sums.append(content.end(file.rows))
            tell(month, manifest.rows)
    except ArchiveFault as fault:
        raise BackupFault(
            f"{fault}, or take a backup of the database alone (--without-archive)"
        ) from None
    return tuple(sums)


def lay(into: Laid, files: Iterable[Content[str]], tell: Told) -> None:
    """The files of a backup where they were. Raises BackupFault."""

    def laid(file: Content[str]) -> None:
        try:
            into.file(file.of, file.pieces())
        except ArchiveFault as fault:
            raise BackupFault(str(fault)) from None

    each_month(files, laid, tell)


def lay_manifests(into: Laid, manifests: Sequence[Manifest]) -> None:
    """The months' manifests beside their files. Raises BackupFault."""
    try:
        for manifest in manifests:
            into.manifest(manifest)
    except ArchiveFault as fault:
        raise BackupFault(str(fault)) from None


def each_month(
    files: Iterable[Content[str]], take: Callable[[Content[str]], Any], tell: Told
) -> None:
    """Take every file, whole; tell of each month and its rows."""
    for month, some in groupby(files, _month_of):
        rows = 0
        for file in some:
            take(file)
            rows += file.sums().rows
        tell(month, rows)


def _month_of(file: Content[str]) -> str:
    return "/".join(PurePosixPath(file.of).parts[:2])
