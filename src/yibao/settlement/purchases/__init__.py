"""Purchases at pharmacies (药店购药): visit, lines and settlement in one message."""
