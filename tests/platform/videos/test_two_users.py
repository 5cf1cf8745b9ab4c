"""Web and films as two users of one group, as deploy/systemd has them: what the one makes, the other works on."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from mutoscope.platform.videos.models import Upload, Video
from mutoscope.platform.videos.sharing import make_file, make_folder
from tests.people import make_channel, make_person
from tests.platform.videos.as_user import FILM, GROUP, TOKEN
from tests.plugin import ROOT, SERVER


@pytest.fixture
def home() -> Iterator[Path]:
    """A home as deploy/systemd/mutoscope.tmpfiles.conf makes it, where other users may reach it."""
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    try:
        os.chown(folder, -1, GROUP)
        folder.chmod(0o2770)
        yield folder
    finally:
        shutil.rmtree(folder)


def act(home: Path, user: str, umask: str, what: str) -> None:
    environment = {
        **os.environ,
        "MUTOSCOPE_HOME": str(home),
        "MUTOSCOPE_SECRET_KEY": "a" * 50,
        "MUTOSCOPE_VIDEO_KEY": "AJVDNAaqOj1sO8UnFBWwaq4+a+fIxf0GjsbnQlJyOio=",
        "DATABASE_URL": SERVER.url(str(connection.settings_dict["NAME"])),
        "DJANGO_SETTINGS_MODULE": "mutoscope.web.settings",
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
    }
    command = [sys.executable, "-m", "tests.platform.videos.as_user", user, umask, what]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.root
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("umask", ["0007", "0022"])
def test_an_upload_of_one_user_is_processed_by_another_and_deleted_by_a_third(home: Path, umask: str) -> None:
    """0007 is the units' own; 0022 is what a command by hand would have."""
    ada = make_person("ada")
    video = Video.objects.create(channel=make_channel(ada, "ada"), title="A voyage")
    whole = {"state": "complete", "length_bytes": len(FILM), "offset_bytes": len(FILM)}
    Upload.objects.create(token=TOKEN, video=video, owner=ada, expires_at=timezone.now(), **whole)
    act(home, "web", umask, "upload")
    act(home, "films", umask, "process")
    act(home, "worker", umask, "look")
    left = [path for path in home.rglob("*") if path.is_file()]
    assert left == []
    for path in home.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o2770, path


def test_a_home_that_is_not_shared_is_closed_to_everybody_else(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_folder(tmp_path / "uploads" / "aa")
    make_file(tmp_path / "uploads" / "aa" / "film")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in sorted(tmp_path.rglob("*"))]
    assert modes == [0o700, 0o700, 0o600]
