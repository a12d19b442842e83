"""An institution's own items against the national catalogue (目录对照)."""
