"""Visits (就诊): registered, described, withdrawn."""
