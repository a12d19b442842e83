"""Manual reimbursement (零星报销) by a clerk."""

from yibao.bureau.model import Kind

KINDS: tuple[Kind, ...] = ()
