"""The site: settings, URLs, wiring of ports to adapters, base templates and what the browser loads."""
