"""Sales and tips that count from a moment in the past: what a sandbox's demo has lived through. Never with real money."""
