"""The kinds of files that can be loaded; a file a subject."""

from collections.abc import Mapping
from types import MappingProxyType

from yibao.loading.kinds.catalogue import CATALOGUE, PRICES
from yibao.loading.kinds.enrolments import ENROLMENTS
from yibao.loading.kinds.filings import FILINGS
from yibao.loading.kinds.identities import IDENTITIES
from yibao.loading.kinds.institutions import INSTITUTIONS
from yibao.loading.kinds.openings import OPENINGS
from yibao.loading.kinds.payments import PAYMENTS
from yibao.loading.kinds.persons import PERSONS
from yibao.loading.model import Kind

_EVERY = (
    INSTITUTIONS, CATALOGUE, PRICES, PERSONS, ENROLMENTS, PAYMENTS, IDENTITIES, FILINGS, OPENINGS,
)  # fmt: skip

KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _EVERY})
"""In the order a city is put in."""
