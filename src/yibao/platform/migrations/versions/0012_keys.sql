-- Dialects and keys of senders.
SELECT;
