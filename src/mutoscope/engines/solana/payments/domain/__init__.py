"""The rules of payments, without Django, without a database and without a network."""
