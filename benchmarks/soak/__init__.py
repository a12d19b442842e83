"""Half an hour at a nation's rate on a database that holds months, watched minute by minute."""
