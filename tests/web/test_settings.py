"""Settings as production has them, read in a process of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SHOW = """
import json
from mutoscope.web import settings as s
print(json.dumps({name: getattr(s, name, None) for name in (
    "SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS",
    "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN", "SANDBOX", "PASSWORD_HASHERS")}))
"""


def read(**variables: str) -> dict[str, object]:
    environment = {**os.environ, **variables}
    done = subprocess.run([sys.executable, "-c", SHOW], env=environment, capture_output=True, text=True, check=True)
    shown: dict[str, object] = json.loads(done.stdout)
    return shown


def test_production_on_https_binds_its_cookies_to_the_host(tmp_path: Path) -> None:
    shown = read(
        MUTOSCOPE_MODE="production",
        MUTOSCOPE_HOME=str(tmp_path),
        MUTOSCOPE_SITE_URL="https://films.example.org",
        MUTOSCOPE_SECRET_KEY="x" * 60,
        MUTOSCOPE_VIDEO_KEY="a" * 43 + "=",
        MUTOSCOPE_MAIL_URL="smtp://mail.example.org",
    )
    assert shown["SESSION_COOKIE_NAME"] == "__Host-session"
    assert shown["CSRF_COOKIE_NAME"] == "__Host-csrf"
    assert shown["SESSION_COOKIE_SECURE"] is shown["CSRF_COOKIE_SECURE"] is True
    assert shown["SECURE_HSTS_SECONDS"] == 365 * 24 * 3600
    assert shown["MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN"] is False
    assert shown["SANDBOX"] is False
    assert shown["PASSWORD_HASHERS"] == ["django.contrib.auth.hashers.Argon2PasswordHasher"]
