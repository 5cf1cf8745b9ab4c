"""Static files under names that hold their content's digest, so that a browser may keep them for ever."""

from __future__ import annotations

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class SiteStaticFiles(ManifestStaticFilesStorage):
    """Digested names once `collectstatic` has run; plain ones before, so that tests and a fresh checkout need not.

    `manifest_strict` stays on: after collecting, a name that is missing is a mistake worth an error.
    """

    def stored_name(self, name: str) -> str:
        if not self.hashed_files:
            return name
        return str(super().stored_name(name))
