"""Files that institutions send and fetch (文件): kept for a time, then gone."""
