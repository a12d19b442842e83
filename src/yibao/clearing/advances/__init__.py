"""Money paid ahead (预付金)."""
