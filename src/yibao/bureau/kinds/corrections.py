"""Re-settlement, supplements, cancellations after a closed period."""

from yibao.bureau.model import Kind

KINDS: tuple[Kind, ...] = ()
