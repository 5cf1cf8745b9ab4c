"""The sandbox wallet: reads a `solana:` link and pays it with play money."""
