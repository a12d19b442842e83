"""Money to a bank and its answer (拨付、回盘)."""
