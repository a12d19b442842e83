"""The settlements and the ledger say the same."""
