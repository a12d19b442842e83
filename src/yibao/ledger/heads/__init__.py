"""Daily heads: the ends of all chains of a pool, signed, for somebody else to keep."""
