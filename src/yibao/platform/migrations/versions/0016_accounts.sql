-- Personal accounts' states, credits, family links.
SELECT;
