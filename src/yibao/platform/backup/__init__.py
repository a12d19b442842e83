"""A backup: one snapshot of every table in one sealed file, and the way back."""
