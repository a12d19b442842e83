"""The packaged catalogue as CSV (see SOURCE.txt) and the tool that builds it."""
