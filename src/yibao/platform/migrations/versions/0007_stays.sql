-- Stays, purchases and returns.
SELECT;
