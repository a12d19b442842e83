"""Questions of clearing to the ledger: balances and movements of what is owed, and claims."""

from yibao.ledger.inquiries import store

__all__ = ["all_balances", "balances", "claimed_balance", "institution_postings", "movements"]

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
