"""What /metrics tells of personal accounts."""
