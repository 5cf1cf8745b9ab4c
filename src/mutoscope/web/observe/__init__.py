"""What the site tells those who run it: structured logs with request ids, and numbers for Prometheus."""
