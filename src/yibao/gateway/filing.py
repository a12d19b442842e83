"""Filings (备案): 2501 to 2508, and their queries 5301, 5302, 5304."""
