"""What other sites and search engines are told about a film: OpenGraph, schema.org, oEmbed's address."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from mutoscope.platform.videos.domain.life import PUBLIC, VideoState
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.watch.cards import address, file_address

SUMMARY_LENGTH_MAX = 200
# As django.utils.html.json_script does it: nothing in the text can end the element.
ESCAPES = {ord(">"): "\\u003E", ord("<"): "\\u003C", ord("&"): "\\u0026"}


def share_context(film: Video) -> dict[str, Any]:
    """Nothing for a film that is not public: its page is for its creator alone."""
    if VideoState(film.state) not in PUBLIC:
        return {"is_listed": False}
    url = absolute(address(film))
    return {
        "is_listed": film.state == VideoState.PUBLISHED,
        "url": url,
        "summary": summary(film),
        "picture": absolute(file_address(film.cover.file)) if film.cover else "",
        "embed_url": absolute(reverse("embed", args=[film.public_id])),
        "oembed_url": absolute(reverse("oembed")) + "?" + urlencode({"url": url, "format": "json"}),
        "schema": schema(film),
        "duration_s": (film.duration_ms or 0) // 1000,
    }


def absolute(path: str) -> str:
    """An address as other sites need it."""
    return f"{settings.SITE_URL}{path}"


def summary(film: Video) -> str:
    """The description's beginning in one line; who made it, where there is none."""
    text = " ".join(film.description.split())
    if not text:
        return f"A film by {film.channel.title}."
    return text if len(text) <= SUMMARY_LENGTH_MAX else text[: SUMMARY_LENGTH_MAX - 1].rsplit(" ", 1)[0] + "…"


def schema(film: Video) -> SafeString:
    """schema.org's VideoObject in a script element of data. Source: schema.org/VideoObject."""
    seconds = (film.duration_ms or 0) // 1000
    document: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "VideoObject",
        "name": film.title,
        "description": summary(film),
        "url": absolute(address(film)),
        "embedUrl": absolute(reverse("embed", args=[film.public_id])),
        "duration": f"PT{seconds // 3600}H{seconds // 60 % 60}M{seconds % 60}S",
        "isAccessibleForFree": film.is_free,
        "requiresSubscription": False,
        "publisher": {
            "@type": "Organization",
            "name": film.channel.title,
            "url": absolute(film.channel.get_absolute_url()),
        },
    }
    if film.published_at is not None:
        document["uploadDate"] = film.published_at.isoformat()
    if film.cover is not None:
        document["thumbnailUrl"] = [absolute(file_address(film.cover.file))]
    text = json.dumps(document, ensure_ascii=False).translate(ESCAPES)
    return format_html('<script type="application/ld+json">{}</script>', mark_safe(text))  # noqa: S308 - escaped above
