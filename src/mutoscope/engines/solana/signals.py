"""What the engine's long-running commands say of themselves, as Django signals in their own process.

News of payments has its own, which survive a crash: `outbox/signals.py`.
"""

from django.dispatch import Signal

# In its loop from now on. Sender: the Watcher.
watcher_started = Signal()
# Its configuration is read, and it is in its loop from now on. Sender: the Signer.
signer_started = Signal()
