"""Personal accounts and family links by a clerk: credits, freezing, closing, inheritance."""

from yibao.bureau.model import Kind

KINDS: tuple[Kind, ...] = ()
