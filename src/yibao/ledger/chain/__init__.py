"""The chain of blocks: what was posted, in the order it was written, linked by hashes."""
