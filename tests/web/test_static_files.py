"""Static files: plain before they are collected, under digested names after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command

from mutoscope.web.static_files import SiteStaticFiles


def test_names_are_plain_before_collecting() -> None:
    assert staticfiles_storage.url("css/tokens.css") == "/static/css/tokens.css"


def test_names_hold_a_digest_after_collecting(tmp_path: Path, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path
    call_command("collectstatic", interactive=False, verbosity=0)
    manifest = json.loads((tmp_path / "staticfiles.json").read_text())["paths"]
    storage = SiteStaticFiles(location=tmp_path)
    assert storage.url("css/tokens.css") == f"/static/{manifest['css/tokens.css']}"
    assert manifest["css/tokens.css"] != "css/tokens.css"
    with pytest.raises(ValueError, match="Missing staticfiles manifest entry"):
        storage.url("css/no-such-sheet.css")
