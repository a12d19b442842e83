"""Whether manifests and files are what was signed for."""

import json
from collections.abc import Sequence
from pathlib import Path

from yibao.kernel.areas import Pool
from yibao.platform.archive import files
from yibao.platform.archive.dropping import Tell
from yibao.platform.archive.model import ArchiveFault, Manifest, manifest_of_json
from yibao.platform.signing import Signer, verify


def faults(
    folder: Path, signer: Signer, manifests: Sequence[Manifest], tell: Tell
) -> list[tuple[Pool, str]]:
    """Each manifest, as the database knows it, beside the folder; and each file's bytes."""
    found: list[tuple[Pool, str]] = []
    total = sum(len(manifest.files) for manifest in manifests)
    done = 0
    for manifest in manifests:
        told = signature_faults(signer.public, manifest) + _lying_beside(folder, manifest)
        for file in manifest.files:
            try:
                files.check_unchanged(file, folder)
            except ArchiveFault as fault:
                told.append(str(fault))
            done += 1
            tell("files", done, total)
        found += [(manifest.pool, text) for text in told]
    return found


def signature_faults(public_key: bytes, manifest: Manifest) -> list[str]:
    """Whether the installation's key signed what a manifest says."""
    name = f"the manifest of {manifest.pool} {manifest.month:%Y-%m}"
    if manifest.public_key != public_key:
        return [f"{name} was signed by a key that is not the archive's"]
    if not verify(manifest.public_key, manifest.hash(), manifest.signature):
        return [f"{name} was changed: its signature is wrong"]
    return []


def _lying_beside(folder: Path, manifest: Manifest) -> list[str]:
    path = manifest.path(folder)
    try:
        beside = manifest_of_json(json.loads(path.read_text(encoding="utf-8")))
    except OSError as fault:
        return [f"{path}: {fault.strerror}"]
    except (ValueError, ArchiveFault) as fault:
        return [f"{path}: {fault}"]
    if beside != manifest:
        return [f"{path} is not the manifest that the database knows"]
    return []
