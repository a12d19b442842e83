"""Departments of institutions (科室)."""
