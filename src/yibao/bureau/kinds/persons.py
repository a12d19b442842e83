"""Changes of the registry: persons, documents, merging, enrolment."""

from yibao.bureau.model import Kind

KINDS: tuple[Kind, ...] = ()
