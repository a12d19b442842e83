-- Review and payment of applications, advances, retention.
SELECT;
