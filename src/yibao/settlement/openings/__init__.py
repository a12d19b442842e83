"""What an older system knew on the day of go-live (期初数据): counters, accounts, open stays."""
