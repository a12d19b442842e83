"""How many examples a property is tried with."""

from hypothesis import settings

USUAL = 100
"""Hypothesis's own number, of the profile that `make test` runs."""
FEWEST = 5


def examples(usual: int) -> int:
    """So many under the usual profile; as many times more or less as another profile runs."""
    return max(FEWEST, usual * settings.default.max_examples // USUAL)
