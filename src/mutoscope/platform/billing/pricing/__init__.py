"""What a film costs, and what it cost before."""
