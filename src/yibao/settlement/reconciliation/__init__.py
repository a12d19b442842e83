"""Totals and lines of institutions against ours (对账)."""
