"""The packaged limits of use as CSV (see SOURCE.txt) and the tool that builds them."""
