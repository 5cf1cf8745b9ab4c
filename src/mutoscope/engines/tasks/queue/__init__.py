"""The queue: enqueue in the caller's transaction, claim in batches, finish once."""
