"""What /metrics tells of payments to institutions and persons."""
