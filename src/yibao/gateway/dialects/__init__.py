"""Dialects of the interface (方言): one file a province, read once. Adding a province is a file."""
