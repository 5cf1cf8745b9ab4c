"""Points, prices, what viewers own and what creators earn."""
