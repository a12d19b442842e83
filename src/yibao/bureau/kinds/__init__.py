"""The kinds of business that clerks do; a file a subject, each with its ``KINDS``."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from yibao.bureau.model import Kind


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind of the files here, by name."""
    found: dict[str, Kind] = {}
    for subject in sorted(module.name for module in iter_modules(__path__)):
        for kind in import_module(f"{__name__}.{subject}").KINDS:
            assert kind.name not in found, f"two kinds are called {kind.name}"
            found[kind.name] = kind
    return found
