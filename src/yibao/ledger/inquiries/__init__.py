"""What accounts of institutions and payees hold, and what moved them."""
