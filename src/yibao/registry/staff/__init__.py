"""Practitioners of institutions (医执人员): doctors, nurses, pharmacists."""
