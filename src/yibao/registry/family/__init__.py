"""Whose personal account pays for which relative (家庭共济)."""
