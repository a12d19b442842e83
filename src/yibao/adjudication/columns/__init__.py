"""The law on columns (NumPy): many bills at once, to the fen what ``benefit`` decides one by one."""
