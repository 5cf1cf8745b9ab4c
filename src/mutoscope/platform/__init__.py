"""The pay-per-view business, in bounded contexts. Other contexts import a context's `public` module and nothing else."""
