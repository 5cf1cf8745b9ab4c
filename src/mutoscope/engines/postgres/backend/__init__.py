"""Django's PostgreSQL backend with a pool that does not ask a connection how it is when it has just heard from it."""
