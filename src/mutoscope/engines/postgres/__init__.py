"""PostgreSQL for a Django project: an embedded server, pooled and direct connections, and what to check about both."""
