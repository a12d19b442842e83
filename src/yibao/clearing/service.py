"""The door of the room: review, advances, retention, payment and what is told of them."""

from yibao.clearing.advances.service import advances, grant
from yibao.clearing.payments.service import (
    bank_file_of,
    confirm,
    confirmation_of,
    find_run,
    keep_account,
    make_run,
    payments_of,
    payments_of_pool,
)
from yibao.clearing.retention.service import assess, assessments
from yibao.clearing.review.service import (
    approve,
    paid_on_paper_of,
    refusals_of,
    refuse,
    reviews,
)

__all__ = [
    "advances",
    "approve",
    "assess",
    "assessments",
    "bank_file_of",
    "confirm",
    "confirmation_of",
    "find_run",
    "grant",
    "keep_account",
    "make_run",
    "paid_on_paper_of",
    "payments_of",
    "payments_of_pool",
    "refusals_of",
    "refuse",
    "reviews",
]
