"""Films on other sites."""
