"""Solana payments for any Django project, into the operator's own wallets. See docs/solana.md."""
