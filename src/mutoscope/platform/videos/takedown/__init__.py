"""A film that the operator takes away from everybody: the services, the operator's pages, and what stands at its address."""
