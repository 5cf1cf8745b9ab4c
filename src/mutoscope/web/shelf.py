"""What a channel offers, for its public page: what accounts asks for, drawn with what videos and billing offer."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse

from mutoscope.platform.accounts.public import Channel
from mutoscope.platform.billing.public import BundleOffer, offers_of_channel
from mutoscope.platform.videos.public import covers_of, film_cards, videos_of_channel
from mutoscope.web.templatetags.components import tone

FILMS_SHOWN = 60
# Two beside each other, or four in a square.
COVERS_SHOWN = (4, 2)


def films_of_channel(request: HttpRequest, channel: Channel) -> str:
    """Its films, and its bundles at what they cost whoever looks."""
    person_id = request.user.pk if request.user.is_authenticated else None
    films = film_cards(videos_of_channel(channel.pk, FILMS_SHOWN), person_id)
    offers = offers_of_channel(channel.pk, person_id)
    covers = covers_of([video_id for offer in offers for video_id in offer.video_ids()]) if offers else {}
    context = {"films": films, "bundles": [_bundle_card(offer, covers) for offer in offers]}
    return render_to_string("parts/channel_films.html", context, request)


def _bundle_card(offer: BundleOffer, covers: dict[int, str]) -> dict[str, Any]:
    """What components/bundle_card.html shows."""
    found = [covers[video_id] for video_id in offer.video_ids() if video_id in covers]
    shown = next((number for number in COVERS_SHOWN if len(found) >= number), 1)
    return {
        "title": offer.bundle.title,
        "href": reverse("bundle", args=[offer.bundle.public_id]),
        "films": len(offer.films),
        "words": offer.words(),
        "points": offer.quote.due_points if offer.quote else None,
        "owned": offer.owned_films(),
        "covers": found[:shown],
        "tone": tone(offer.bundle.public_id),
    }
