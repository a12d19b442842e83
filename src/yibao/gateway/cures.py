"""Every refusal with its cause and what to do about it, for the reference and the console."""

import tomllib
from importlib.resources import files
from typing import NamedTuple

from yibao.kernel.refusals import RefusalCode


class Cure(NamedTuple):
    """Why a message was refused and what its sender does now; Chinese and English."""

    cause: str
    cure: str
    cause_english: str
    cure_english: str


def _read() -> dict[RefusalCode, Cure]:
    told = tomllib.loads((files("yibao.gateway") / "cures.toml").read_text("utf-8"))
    return {RefusalCode[name]: Cure(**texts) for name, texts in told.items()}


CURES = _read()
"""One entry for each code, in ``cures.toml``; a code without one is a defect that a test finds."""
