"""Static files under names that hold their content's digest, so that a browser may keep them for ever."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage

from mutoscope import __version__


def manifest_name(folder: Path) -> str:
    """The name of the list that `collectstatic` makes of this release's files. Another release's list is never read."""
    digest = hashlib.sha256(f"{__version__} {django.__version__}".encode())
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(f"\0{path.relative_to(folder)}\0".encode())
            digest.update(path.read_bytes())
    return f"staticfiles-{digest.hexdigest()[:12]}.json"


class SiteStaticFiles(ManifestStaticFilesStorage):
    """Digested names once `collectstatic` has run for this release; plain ones before, so that tests and a fresh checkout need not.

    `manifest_strict` stays on: after collecting, a name that is missing is a mistake worth an error.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        # Before its parent reads it.
        self.manifest_name = settings.STATIC_MANIFEST
        super().__init__(*args, **options)

    def stored_name(self, name: str) -> str:
        if not self.hashed_files:
            return name
        return str(super().stored_name(name))
