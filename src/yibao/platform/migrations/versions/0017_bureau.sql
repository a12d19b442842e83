-- Clerks, proposals, manual claims, corrections.
SELECT;
