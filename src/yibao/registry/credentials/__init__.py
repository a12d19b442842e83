"""What a person shows at a counter instead of the identity document: cards and e-credentials."""
