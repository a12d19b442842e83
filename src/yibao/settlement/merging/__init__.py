"""Bills, counters and account of a person's second number, when two files become one."""
