"""Designated institutions (定点医药机构), the senders that speak for them, pools and divisions."""
