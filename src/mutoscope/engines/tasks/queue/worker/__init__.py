"""The worker: one process that claims tasks and runs them on threads, on an event loop, or in child processes."""
