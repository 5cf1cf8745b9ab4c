"""Where films lie: a folder, or a bucket that speaks S3."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mutoscope.web.environment import Environment


def film_storage(environment: Environment, home: Path, folder: str) -> dict[str, Any]:
    """An entry of Django's STORAGES for "films" or "originals". A bucket needs the extra `s3`.

    Who may use the bucket is read by its client from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or where it runs.
    """
    if environment.s3_bucket is None:
        local = "mutoscope.platform.videos.storage.LocalStorage"
        return {"BACKEND": local, "OPTIONS": {"location": home / folder}}
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": environment.s3_bucket,
            "endpoint_url": environment.s3_endpoint,
            "location": folder,
            # Names carry random letters: asking whether one is taken would cost a round trip for each segment.
            "file_overwrite": True,
            "default_acl": None,
        },
    }
