"""The signer: the one process that holds a seed, and the table through which everybody else asks it. See docs/keys.md."""
