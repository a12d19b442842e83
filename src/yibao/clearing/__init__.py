"""What institutions are owed: applications reviewed, paid, advanced, kept back, and told (清算)."""
