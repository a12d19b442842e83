"""Monthly credits of personal accounts (划入), the year's end: interest and carrying over."""
