"""A database that holds years: filled with settlements of past months, faster than they happen."""
