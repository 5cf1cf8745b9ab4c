"""A host's app with a django-payments model."""
