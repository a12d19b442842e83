"""What happens to accounts: freezing, closing, death and inheritance, a move, a correction."""
