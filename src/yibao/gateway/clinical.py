"""Self-paying patients and clinical records, stored and given back (42xx to 47xx)."""
