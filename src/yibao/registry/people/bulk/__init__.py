"""Many people at once, as files bring them: checked in plural, written by COPY."""
