"""Messages (idempotency), the batcher and the outbox: one command, one atomic outcome."""
