"""Somebody who uses the site over HTTP, as a browser would: the demo is furnished through the front door."""

from __future__ import annotations

import base64
import importlib
import re
import secrets
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.urls import reverse

from mutoscope.platform.accounts.public import Person

ANSWER_TIMEOUT_S = 60.0
CHUNK_BYTES = 1024 * 1024
TUS = {"Tus-Resumable": "1.0.0"}
CSRF_LENGTH = 32


class SiteRefused(Exception):
    """The site answered something else than was hoped for. The text says what was asked and what came."""

    def __init__(self, response: httpx.Response) -> None:
        words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.text))[:300]
        super().__init__(f"{response.request.method} {response.request.url.path}: {response.status_code} {words}")


class Guest:
    """A signed-in person's session on the running site. Use as a context manager: it is signed out in the end."""

    def __init__(self, person: Person) -> None:
        environment = settings.ENVIRONMENT
        self.person = person
        self._session = _sign_in(person)
        # Django takes any 32 letters and digits, so long as cookie and header agree.
        token = secrets.token_hex(CSRF_LENGTH // 2)
        cookies = f"{settings.SESSION_COOKIE_NAME}={self._session.session_key}; {settings.CSRF_COOKIE_NAME}={token}"
        site = environment.site_url
        headers = {"Host": urlsplit(site).netloc, "Cookie": cookies, "X-CSRFToken": token, "Referer": f"{site}/"}
        own = f"http://127.0.0.1:{environment.port}"
        self._client = httpx.Client(base_url=own, headers=headers, timeout=ANSWER_TIMEOUT_S, trust_env=False)

    def __enter__(self) -> Guest:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._client.close()
        self._session.delete()

    def get(self, path: str) -> httpx.Response:
        """A page. Raises SiteRefused."""
        answer = self._client.get(path)
        if answer.is_error:
            raise SiteRefused(answer)
        return answer

    def send(self, path: str, **fields: str) -> httpx.Response:
        """Send a form, which the site takes by leading on. Raises SiteRefused where it shows the form again."""
        answer = self._client.post(path, data=fields)
        if not answer.is_redirect:
            raise SiteRefused(answer)
        return answer

    def begin_upload(self, file: Path, video: str) -> str:
        """Announce a file for this draft by the tus protocol; the upload's address. Raises SiteRefused."""
        metadata = ",".join(
            f"{name} {base64.b64encode(value.encode()).decode()}"
            for name, value in (("filename", file.name), ("video", video))
        )
        headers = {**TUS, "Upload-Length": str(file.stat().st_size), "Upload-Metadata": metadata}
        answer = self._client.post(reverse("uploads"), headers=headers)
        if answer.status_code != httpx.codes.CREATED:
            raise SiteRefused(answer)
        return answer.headers["Location"]

    def end_upload(self, address: str) -> None:
        """Give up an upload that was begun. Raises SiteRefused."""
        answer = self._client.delete(address, headers=TUS)
        if answer.is_error:
            raise SiteRefused(answer)

    def go_on_uploading(self, file: Path, address: str) -> None:
        """Send what the site does not have yet. Raises SiteRefused."""
        answer = self._client.head(address, headers=TUS)
        if answer.is_error:
            raise SiteRefused(answer)
        offset, size = int(answer.headers["Upload-Offset"]), file.stat().st_size
        with file.open("rb") as opened:
            while offset < size:
                opened.seek(offset)
                headers = {
                    **TUS,
                    "Upload-Offset": str(offset),
                    "Content-Type": "application/offset+octet-stream",
                }
                answer = self._client.patch(address, content=opened.read(CHUNK_BYTES), headers=headers)
                if answer.is_error:
                    raise SiteRefused(answer)
                offset = int(answer.headers["Upload-Offset"])


def _sign_in(person: Person) -> Any:
    """A session of theirs, without their password, which they may have changed."""
    session = importlib.import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.save()
    return session
