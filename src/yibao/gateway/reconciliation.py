"""Reconciliation of totals and lines (对账): 3201, 3202."""
