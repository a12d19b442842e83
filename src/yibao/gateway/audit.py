"""Audit before and during treatment (明细审核): 3101, 3102, and the hospital's answer 3103."""
