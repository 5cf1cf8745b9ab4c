"""Rules about terms, prices, fees and payouts that need neither Django nor a database."""
