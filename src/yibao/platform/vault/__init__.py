"""The vault's keys in use: what lies sealed in the database, and under which key."""
