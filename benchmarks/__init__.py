"""Measurements of the whole platform; see ``visits.py``."""
