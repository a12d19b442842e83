"""Patients who pay all themselves (自费病人): visits, diagnoses and fee lines, for statistics."""
