"""Tables that are cut by month, and their months made ahead."""
