"""Tables that are cut by month: months made ahead, and detached when they are cold."""
