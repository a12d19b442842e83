"""Statements of a span of days: a person's account, an institution's purses, a fund."""
