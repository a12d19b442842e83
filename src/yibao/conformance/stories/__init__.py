"""Stories: what a correct hospital or pharmacy does in a row, and what must come of it."""
