"""Rules about names that need neither Django nor a database."""
