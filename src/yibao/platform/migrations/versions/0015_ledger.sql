-- The chain of blocks, daily heads, holds, what postings were made for.
SELECT;
