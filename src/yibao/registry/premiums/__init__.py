"""Premiums paid, and the entitlement that law and payments make of them."""
