"""The institution's items against the national catalogue (目录对照): 3301, 3302."""
