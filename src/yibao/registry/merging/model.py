"""What a merger came to."""

from yibao.kernel.areas import Pool
from yibao.kernel.frozen import Frozen


class Merged(Frozen):
    """Two files that are one now."""

    kept: int
    """The human (自然人) whose file goes on."""
    gone: int
    """The human whose file was closed; its number points to ``kept``."""
    moved: tuple[tuple[Pool, str], ...]
    """(pool, person number) that hang on the kept file now."""
    ended: tuple[tuple[Pool, str], ...]
    """Those of them that ended, because the kept file has a number of that pool at the time."""
