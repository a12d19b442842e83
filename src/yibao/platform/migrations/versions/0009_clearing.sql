-- Files, reconciliation and clearing applications.
SELECT;
