"""Bills: tried, settled, cancelled, reversed, read again; accumulators and postings."""
