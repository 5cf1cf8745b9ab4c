"""Who was signed out while a page stood open signs in, and is back on a page."""

from __future__ import annotations

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("headers", "back"),
    [
        ({"Referer": "http://testserver/history/?page=2"}, "/history/%3Fpage%3D2"),
        ({}, "/"),
        ({"Referer": "https://elsewhere.example/"}, "/"),
        ({"Referer": "//elsewhere.example/"}, "/"),
        ({"Referer": "nonsense"}, "/"),
    ],
)
def test_a_form_leads_back_to_the_page_that_it_stood_on(headers: dict[str, str], back: str) -> None:
    answer = Client().post("/history/choice/", {"keeps": "on"}, headers=headers)
    assert (answer.status_code, answer["Location"]) == (302, f"/account/login/?next={back}")


def test_a_page_leads_back_to_itself() -> None:
    assert Client().get("/history/?page=2")["Location"] == "/account/login/?next=/history/%3Fpage%3D2"


def test_a_part_that_htmx_asks_for_takes_the_whole_page_there() -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/studio/"}
    answer = Client().get("/studio/rows/", headers=headers)
    assert (answer.status_code, answer["HX-Redirect"]) == (200, "/account/login/?next=/studio/")
    assert answer.content == b""
