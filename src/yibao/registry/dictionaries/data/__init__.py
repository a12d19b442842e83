"""The packaged code tables as JSON (see SOURCE.txt) and the tool that builds them."""
