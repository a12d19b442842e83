"""Holds: money of a personal account set aside first, taken or given back later."""
