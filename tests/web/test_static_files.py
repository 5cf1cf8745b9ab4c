"""Static files: plain before they are collected, under digested names after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command

from mutoscope.web.static_files import SiteStaticFiles, manifest_name


def test_names_are_plain_before_collecting() -> None:
    assert staticfiles_storage.url("css/tokens.css") == "/static/css/tokens.css"


def test_names_hold_a_digest_after_collecting(tmp_path: Path, settings: Any) -> None:
    settings.STATIC_ROOT = tmp_path
    call_command("collectstatic", interactive=False, verbosity=0)
    manifest = json.loads((tmp_path / settings.STATIC_MANIFEST).read_text())["paths"]
    storage = SiteStaticFiles(location=tmp_path)
    assert storage.url("css/tokens.css") == f"/static/{manifest['css/tokens.css']}"
    assert manifest["css/tokens.css"] != "css/tokens.css"
    with pytest.raises(ValueError, match="Missing staticfiles manifest entry"):
        storage.url("css/no-such-sheet.css")


def test_what_another_release_collected_is_not_used(tmp_path: Path, settings: Any) -> None:
    """Until it is collected anew, files come under plain names from where they are installed."""
    settings.STATIC_ROOT = tmp_path
    call_command("collectstatic", interactive=False, verbosity=0)
    settings.STATIC_MANIFEST = "staticfiles-of-the-next.json"
    assert SiteStaticFiles(location=tmp_path).url("css/tokens.css") == "/static/css/tokens.css"


def test_a_release_is_known_by_what_is_in_its_files(tmp_path: Path) -> None:
    (tmp_path / "css").mkdir()
    (tmp_path / "css" / "one.css").write_text("a {}")
    before = manifest_name(tmp_path)
    assert manifest_name(tmp_path) == before
    (tmp_path / "css" / "one.css").write_text("b {}")
    assert manifest_name(tmp_path) != before
