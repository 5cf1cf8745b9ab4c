"""What arrived in one-time wallets goes to the operator's main wallet, and the rent of their accounts comes back."""
