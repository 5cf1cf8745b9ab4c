"""What browsers are told they may do with our pages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tests.people import make_person

pytestmark = pytest.mark.django_db

TEMPLATES = [
    *Path(settings.PACKAGE, "templates").rglob("*.html"),
    *Path(settings.PACKAGE.parent, "platform").rglob("*.html"),
]


def directives(answer: Any) -> dict[str, str]:
    return dict(part.strip().partition(" ")[::2] for part in answer["Content-Security-Policy"].split(";"))


def test_a_script_runs_only_by_its_nonce(client: Client) -> None:
    answer = client.get("/account/login/")
    policy = directives(answer)
    nonce = re.search(r"'nonce-([^']+)'", policy["script-src"])
    assert nonce
    assert policy["script-src"].replace(nonce[0], "NONCE").split() == ["NONCE", "'strict-dynamic'"] or set(
        policy["script-src"].split()
    ) == {nonce[0], "'strict-dynamic'"}
    page = answer.content.decode()
    for tag in re.findall(r"<script\b[^>]*>", page):
        assert f'nonce="{nonce[1]}"' in tag or 'type="application/json"' in tag, tag
    again = directives(client.get("/account/login/"))
    assert again["script-src"] != policy["script-src"]


def test_the_policy_allows_nothing_else(client: Client) -> None:
    policy = directives(client.get("/"))
    del policy["script-src"]
    assert policy == {
        "default-src": "'none'",
        "style-src": "'self'",
        "img-src": "'self'",
        "font-src": "'self'",
        "connect-src": "'self'",
        "media-src": "'self' blob:",
        "worker-src": "'self' blob:",
        "manifest-src": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }


def test_the_operator_pages_have_scripts_from_files_and_nothing_looser(client: Client) -> None:
    client.force_login(make_person(is_staff=True, is_superuser=True))
    policy = directives(client.get("/operator/"))
    assert policy["script-src"] == "'self'"
    assert policy["default-src"] == "'none'"
    assert "unsafe" not in str(policy)


@pytest.mark.parametrize("path", ["/", "/nowhere/", "/static/css/tokens.css"])
def test_other_security_headers_are_on_every_answer(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]
    answer.close()


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_have_no_inline_handlers_styles_or_scripts(template: Path) -> None:
    text = template.read_text()
    assert not re.search(r"""\son[a-z]+\s*=\s*["']""", text), "an inline event handler"
    assert not re.search(r"""\sstyle\s*=\s*["']""", text), "an inline style"
    for attributes, content in re.findall(r"<script\b([^>]*)>(.*?)</script>", text, re.DOTALL):
        assert "application/json" in attributes or not content.strip(), "an inline script"
        assert "application/json" in attributes or "nonce" in attributes, "a script without a nonce"


def test_cookies_say_where_they_may_go(client: Client) -> None:
    cookie = client.get("/account/login/").cookies["csrf"]
    assert cookie["samesite"] == "Lax"
    assert not cookie["httponly"], "scripts read it at submit"
    client.force_login(make_person())
    assert settings.SESSION_COOKIE_HTTPONLY
