"""Points for a creator beyond the price."""
