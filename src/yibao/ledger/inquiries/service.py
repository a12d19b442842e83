"""Questions to the ledger: what is owed and claimed, and what an older system brought in."""

from yibao.ledger.inquiries import store

__all__ = [
    "all_balances",
    "balances",
    "brought_in",
    "claimed_balance",
    "institution_postings",
    "movements",
]

balances = store.balances
"""Balances of payable, withheld, advanced, deducted, owed and transit accounts; zero if unmoved."""
all_balances = store.all_balances
"""Such accounts by a LIKE pattern, those at zero left out."""
movements = store.movements
"""Entries of such accounts in a span of days, with what they were made for."""
claimed_balance = store.claimed_balance
"""An institution's claim that is not cleared."""
institution_postings = store.institution_postings
"""What each posting of a span moved of an institution's claim and cash."""
brought_in = store.brought_in
"""Accounts, part by part, that an older system's balance was put into and is in."""
