"""The kinds of files that can be loaded; a file a subject."""

from collections.abc import Mapping
from types import MappingProxyType

from yibao.loading.kinds.enrolments import ENROLMENTS
from yibao.loading.kinds.openings import OPENINGS
from yibao.loading.kinds.persons import PERSONS
from yibao.loading.model import Kind

KINDS: Mapping[str, Kind] = MappingProxyType(
    {kind.name: kind for kind in (PERSONS, ENROLMENTS, OPENINGS)}
)
"""In the order a city is put in."""
