"""Goods of institutions: stock, purchases, sales, traceability codes (进销存)."""
