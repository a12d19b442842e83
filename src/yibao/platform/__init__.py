"""What every room stands on: database, commands, clock, crypto, access, settings, logging."""
