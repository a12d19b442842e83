"""What a patient and an auditor read: every step of a decision in words, with its reference."""
