"""Who may do and see what, who saw which person, and who has tried too often."""
