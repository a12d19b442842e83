"""Who is insured where, who may treat them, and what the catalogue says of every item."""
