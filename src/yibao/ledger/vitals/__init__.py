"""What /metrics tells of the books."""
