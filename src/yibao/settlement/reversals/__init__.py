"""Reversals (冲正): undo what a message did whose answer was lost."""
