"""Owners insured in another pool (跨统筹区共济): what is held there pays here."""
