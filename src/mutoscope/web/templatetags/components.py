"""Template tags for the site's components; each is drawn by one file of templates/components/.

{% component "card" title="Price" %} ... {% endcomponent %}
{% field form.title %}   {% submit "Save" busy="Saving" %}   {% icon "coin" %}   {% avatar channel "large" %}
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zlib import crc32

from django import template
from django.core.files.storage import default_storage
from django.forms import BoundField, CheckboxInput, FileInput, PasswordInput, RadioSelect, Select, Textarea
from django.template.base import FilterExpression, NodeList, Parser, Token, token_kwargs
from django.template.context import Context
from django.utils.safestring import SafeString, mark_safe

from mutoscope.web import charts

register = template.Library()

TONES = 8


class ComponentNode(template.Node):
    def __init__(self, name: FilterExpression, given: dict[str, FilterExpression], nodelist: NodeList) -> None:
        self.name = name
        self.given = given
        self.nodelist = nodelist

    def render(self, context: Context) -> SafeString:
        given: dict[str, Any] = {key: value.resolve(context) for key, value in self.given.items()}
        given["content"] = self.nodelist.render(context)
        name = self.name.resolve(context)
        chosen = context.template.engine.get_template(f"components/{name}.html")  # type: ignore[union-attr]
        with context.push(**given):
            return chosen.render(context.new({str(key): value for key, value in context.flatten().items()}))


@register.tag
def component(parser: Parser, token: Token) -> ComponentNode:
    """`{% component NAME key=value ... %}content{% endcomponent %}` draws components/NAME.html around the content."""
    bits = token.split_contents()[1:]
    name = parser.compile_filter(bits.pop(0))
    given = token_kwargs(bits, parser)
    nodelist = parser.parse(("endcomponent",))
    parser.delete_first_token()
    return ComponentNode(name, given, nodelist)


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, prefix: str = "") -> dict[str, Any]:
    """A form's field with its label, hint and errors. `prefix` stands before the input, like the @ of a handle."""
    widget = bound.field.widget
    kinds = (
        (CheckboxInput, "checkbox"),
        (PasswordInput, "password"),
        (RadioSelect, "radio"),
        (Select, "select"),
        (Textarea, "textarea"),
        (FileInput, "file"),
    )
    kind = next((name for widget_class, name in kinds if isinstance(widget, widget_class)), "text")
    return {
        "field": bound,
        "kind": kind,
        "prefix": prefix,
        "is_optional": not bound.field.required and kind != "checkbox",
    }


@register.inclusion_tag("components/fields.html")
def fields(form: Any) -> dict[str, Any]:
    """All fields of a form in their order, with the errors that belong to none of them on top."""
    return {"form": form}


@register.inclusion_tag("components/submit.html")
def submit(label: str, kind: str = "primary", busy: str = "", **attributes: Any) -> dict[str, Any]:
    """A button that sends its form, and says `busy` while that takes time. Attributes: name, value, form, id, wide."""
    return {"label": label, "kind": kind, "busy": busy or label, "attributes": attributes}


@register.inclusion_tag("components/icon.html")
def icon(name: str) -> dict[str, str]:
    """A drawn sign of 20 px beside words; never without words."""
    return {"name": name}


@register.inclusion_tag("components/chart.html")
def bar_chart(points: Sequence[tuple[str, int]], label: str, unit: str = "") -> dict[str, Any]:
    """Bars of (label, value). `label` says what is shown, to whoever cannot see it; a table with the numbers stands below."""
    return {"chart": charts.bars(points, unit), "label": label}


@register.inclusion_tag("components/chart.html")
def curve_chart(
    points: Sequence[tuple[str, int]], label: str, unit: str = "", top: int | None = None
) -> dict[str, Any]:
    """A curve through (label, value), from the left edge to the right."""
    return {"chart": charts.curve(points, unit, top), "label": label}


@register.inclusion_tag("components/avatar.html")
def avatar(channel: Any, size: str = "medium") -> dict[str, Any]:
    """A channel's picture, or its first letter on a colour of its own."""
    url = default_storage.url(channel.avatar) if channel.avatar else ""
    return {"url": url, "letter": first_letter(channel.title), "tone": tone(channel.handle), "size": size}


@register.filter
def tone(text: object) -> int:
    """A number from 1 to TONES that is always the same for the same text."""
    return crc32(str(text).encode()) % TONES + 1


@register.filter
def first_letter(text: object) -> str:
    return next((letter.upper() for letter in str(text) if letter.isalnum()), "·")


# Looked for in this order: Chrome calls itself Safari as well, and nearly everybody calls themselves Mozilla.
BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "a Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@register.filter
def device(user_agent: object) -> str:
    """What a person would call the browser behind a User-Agent header: "Firefox on Windows"."""
    text = str(user_agent)
    browser = next((name for sign, name in BROWSERS if sign in text), "A browser")
    system = next((name for sign, name in SYSTEMS if sign in text), "")
    return f"{browser} on {system}" if system else browser


@register.simple_tag(takes_context=True)
def nonce(context: Context) -> SafeString:
    """` nonce="..."` for a script of ours."""
    request = context.get("request")
    value = getattr(request, "csp_nonce", "")
    return mark_safe(f'nonce="{value}"')  # noqa: S308 - base64 of our own random bytes
