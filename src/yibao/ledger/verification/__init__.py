"""Proof that the books are right, or the first entry that is not."""
