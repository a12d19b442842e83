"""Where two books differ, why, and what to do (差异)."""
