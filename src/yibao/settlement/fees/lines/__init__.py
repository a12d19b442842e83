"""The lines of charge batches (费用明细), as uploads keep them."""
