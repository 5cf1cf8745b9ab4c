"""What the engine's worker says of itself, as Django signals in its own process."""

from django.dispatch import Signal

# Registered, connected and about to claim. Sender: the Worker.
worker_started = Signal()
