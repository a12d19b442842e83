-- Who saw which person, attempts to get in, keys of the vault.
SELECT;
