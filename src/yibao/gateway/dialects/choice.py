"""Which dialect a message is in."""

from functools import lru_cache

from yibao.gateway.dialects.load import BASE, dialects
from yibao.gateway.dialects.model import Dialect

_LONGEST_PREFIX = 6


@lru_cache(maxsize=4096)  # asked for every message
def choose_dialect(named: str | None, institution: str) -> Dialect:
    """The dialect that the sender's registration names, else that of the institution's province.

    ``institution`` is ``fixmedins_code``: a letter, then the division it stands in. A name without
    a file (the registry may be older than the release) counts as not named.
    """
    known = dialects()
    if named is not None and named in known:
        return known[named]
    division = institution[1 : 1 + _LONGEST_PREFIX]
    spoken = {prefix: dialect for dialect in known.values() for prefix in dialect.divisions}
    for length in (6, 4, 2):
        if division[:length] in spoken:
            return spoken[division[:length]]
    return known[BASE]
