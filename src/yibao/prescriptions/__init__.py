"""Electronic prescriptions from the doctor to the pharmacy (电子处方)."""
