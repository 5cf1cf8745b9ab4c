"""Uploads to the real web server over real sockets, which is killed in the middle of a piece."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import connection
from django.test import Client
from tusclient.client import TusClient

from mutoscope.platform.videos.domain.life import VideoState
from mutoscope.platform.videos.models import Upload, Video
from mutoscope.platform.videos.upload import appending
from tests.people import make_channel, make_person
from tests.plugin import ROOT, SERVER

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_S = 60.0
TOKEN = "a" * 32


def eventually(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.05)


@contextmanager
def web_server(home: Path, port: int, settings: Any) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "MUTOSCOPE_HOME": str(home),
        "MUTOSCOPE_PORT": str(port),
        "MUTOSCOPE_WEB_WORKERS": "1",
        "MUTOSCOPE_SECRET_KEY": settings.SECRET_KEY,
        "MUTOSCOPE_VIDEO_KEY": settings.VIDEO_KEYS[0],
        "DATABASE_URL": SERVER.url(str(connection.settings_dict["NAME"])),
        "PYTHONPATH": str(ROOT / "src"),
    }
    command = [sys.executable, "-m", "mutoscope.cli", "web"]
    with (home / "web.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        eventually(lambda: answers(port), "the server's first answer")
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://localhost:{port}/livez", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def test_a_server_killed_in_the_middle_of_a_piece_goes_on_where_the_disk_is(
    tmp_path: Path, settings: Any, client: Client
) -> None:
    (tmp_path / "static").mkdir()
    person = make_person()
    make_channel(person)
    client.force_login(person)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    cookies = f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={TOKEN}"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    origin = f"http://localhost:{port}"
    tus = TusClient(f"{origin}/uploads/", headers={"Cookie": cookies, "X-CSRFToken": TOKEN, "Origin": origin})
    block = appending.BLOCK_BYTES
    film = tmp_path / "film.mp4"
    film.write_bytes(os.urandom(block * 6 + 12_345))
    with film.open("rb") as stream, socket.socket() as line:
        with web_server(tmp_path, port, settings):
            uploader = tus.uploader(file_stream=stream, chunk_size=block * 2, metadata={"filename": "film.mp4"})
            uploader.upload_chunk()
            address = str(uploader.url)
            upload = Upload.objects.get()
            assert upload.offset_bytes == block * 2
            # Announce three blocks, send one and a half, and hold the line until the server is killed.
            line.connect(("127.0.0.1", port))
            head = (
                f"PATCH {address.removeprefix(origin)} HTTP/1.1\r\nHost: localhost:{port}\r\nTus-Resumable: 1.0.0\r\n"
                f"Cookie: {cookies}\r\nX-CSRFToken: {TOKEN}\r\nOrigin: {origin}\r\nUpload-Offset: {block * 2}\r\n"
                f"Content-Type: application/offset+octet-stream\r\nContent-Length: {block * 3}\r\n\r\n"
            )
            line.sendall(head.encode() + film.read_bytes()[block * 2 : block * 7 // 2])
            eventually(lambda: Upload.objects.get().offset_bytes >= block * 3, "the first block on the disk")
        lying = tmp_path / "uploads" / upload.token[:2] / upload.token
        kept = Upload.objects.get().offset_bytes
        assert lying.read_bytes()[:kept] == film.read_bytes()[:kept]
        with web_server(tmp_path, port, settings):
            again = tus.uploader(file_stream=stream, url=address, chunk_size=block * 2)
            assert again.offset == kept, "it goes on where the disk is"
            again.upload()
    upload.refresh_from_db()
    assert upload.state == Upload.State.COMPLETE
    assert lying.read_bytes() == film.read_bytes()
    assert Video.objects.get().state == VideoState.PROCESSING
