"""The national catalogue: drugs, service items, diagnoses, and their dated terms by area."""
