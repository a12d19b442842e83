"""Money, periods, areas, identifiers and refusals: the words that every other room uses. Pure."""
