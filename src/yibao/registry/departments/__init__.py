"""Departments and staff of institutions (科室、医执人员)."""
