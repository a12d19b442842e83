"""A kit that tries any server of the interface, transaction by transaction (联调自测)."""
