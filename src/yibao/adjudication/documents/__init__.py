"""Bills and published cases as documents (TOML, JSON), read strictly and settled in turn."""
