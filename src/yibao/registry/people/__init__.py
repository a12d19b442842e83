"""Identities, memberships, enrolments, entitlement and special identities (参保人)."""
