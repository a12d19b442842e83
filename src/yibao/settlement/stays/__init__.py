"""Inpatient stays (住院): admitted, changed, discharged, taken back."""
