"""Areas: administrative divisions of medical insurance (医保区划) and pools (统筹区)."""

from typing import NewType

Division = NewType("Division", str)
"""Six digits, GB/T 2260 based (``admdvs``); the insurance list adds codes of its own."""

Pool = NewType("Pool", str)
"""Opaque stable id of a pooling area (统筹区), six characters."""

NO_PERSON_POOL = Pool("000000")
"""The pool of calls without a person (sign-in, catalogue download)."""


def is_pool(text: str) -> bool:
    """Whether a text has the form of a pool id."""
    return len(text) == 6 and text.isalnum() and text.isascii()


def lies_in(division: str, area: str) -> bool:
    """Whether a division is an area or lies in it: 430181 lies in 430100 and in 430000."""
    return division.startswith(area.removesuffix("00").removesuffix("00"))
