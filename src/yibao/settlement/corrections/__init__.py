"""A bureau's corrections of settled bills: cancelled late, settled again, supplemented."""
