"""Bill + law + history → explained statement. Pure: no clock, no I/O, no float, no randomness."""
