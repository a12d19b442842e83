-- Holds the place of a revision.
SELECT;
