"""Inpatient care (住院): 2401 to 2405, 2301 to 2305, and who is in hospital (5303)."""
