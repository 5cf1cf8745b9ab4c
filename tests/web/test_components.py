"""What the template tags make of their arguments."""

from __future__ import annotations

import pytest
from django.template import engines

from mutoscope.web.templatetags.components import TONES, device, first_letter, tone


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
            "Chrome on Linux",
        ),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Safari/604.1",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("curl/8.5", "A browser"),
        ("", "A browser"),
    ],
)
def test_a_browser_is_named_as_people_name_it(user_agent: str, name: str) -> None:
    assert device(user_agent) == name


@pytest.mark.parametrize(("title", "letter"), [("ada", "A"), ("“夜”", "夜"), ("👩‍🎤", "·"), ("", "·"), ("42", "4")])
def test_the_letter_of_a_channel_without_a_picture(title: str, letter: str) -> None:
    assert first_letter(title) == letter


def test_a_tone_is_always_the_same_and_in_range() -> None:
    tones = [tone(f"channel-{number}") for number in range(200)]
    assert set(tones) == set(range(1, TONES + 1))
    assert tones == [tone(f"channel-{number}") for number in range(200)]


def test_a_component_escapes_what_it_is_given() -> None:
    source = '{% component "card" title=title %}<b>{{ content_of_mine }}</b>{% endcomponent %}'
    html = engines["django"].from_string(source).render({"title": "<i>", "content_of_mine": "<script>"})
    assert "&lt;i&gt;" in html
    assert "<b>&lt;script&gt;</b>" in html
