"""What a person sees of the chain: accounts, transactions, and the sandbox wallet."""
