"""Handles of closed channels: known again, and not to be read."""

from __future__ import annotations

import hashlib
import hmac

from django.conf import settings

from mutoscope.platform.accounts.closing.models import RetiredHandle
from mutoscope.platform.accounts.domain.names import skeleton


def retire(handle: str) -> None:
    """Nobody opens a channel under this handle again, nor under one that looks like it."""
    RetiredHandle.objects.get_or_create(digest=_digest(handle, settings.SECRET_KEY))


def is_retired(handle: str) -> bool:
    """Whether a closed channel had this handle, or one that looks like it."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return RetiredHandle.objects.filter(pk__in=[_digest(handle, key) for key in keys]).exists()


def _digest(handle: str, key: str) -> str:
    return hmac.new(key.encode(), f"handle:{skeleton(handle)}".encode(), hashlib.sha256).hexdigest()
