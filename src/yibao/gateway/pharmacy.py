"""Purchases at retail pharmacies (药店购药): 2101 to 2103."""
