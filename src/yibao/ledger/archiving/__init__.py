"""What of the ledger stays when a month's entries are put away: balances, and money on the way."""
