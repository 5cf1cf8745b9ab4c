"""Made-up contents for the gallery of components."""

from __future__ import annotations

from typing import Any

from django import forms


class GalleryForm(forms.Form):
    title = forms.CharField(help_text="Shown above the film.", required=True)
    price = forms.IntegerField(
        label="Price in points",
        min_value=1,
        error_messages={"min_value": "A price is at least 1 point. For a free film, choose “Free” instead."},
    )
    about = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), required=False)
    term = forms.ChoiceField(choices=[("day", "One day"), ("month", "One month"), ("lifetime", "For ever")])
    listed = forms.BooleanField(label="Show it on the home page", required=False)


LONG_TITLE = (
    "The Long and Winding Title of a Film That Somebody Was Too Fond of to Shorten, "
    "Even After Being Asked, Twice, Rather Politely"
)[:120]


def gallery_context() -> dict[str, Any]:
    form = GalleryForm({"title": "Harbour, 4 a.m.", "price": "-3", "about": "", "term": "month", "listed": "on"})
    form.is_valid()
    return {
        "form": form,
        "films": [
            {"title": "Harbour, 4 a.m.", "channel": "First channel", "length": "11 min", "points": 12, "tone": 1},
            {
                "title": "Clay and Fire",
                "channel": "Second channel",
                "length": "38 min",
                "unlocked_for": "22 h left",
                "tone": 2,
            },
            {"title": "What the Moss Knows", "channel": "Third channel", "length": "9 min", "is_free": True, "tone": 3},
            {"title": LONG_TITLE, "channel": "Fourth channel", "length": "124 min", "points": 1200, "tone": 4},
        ],
        "bundle": {
            "title": "Three harbours",
            "films": 3,
            "words": "for ever",
            "points": 30,
            "owned": 1,
            "covers": [],
            "tone": 5,
        },
        "steps": [
            {"label": "Waiting", "state": "done", "note": "20:14"},
            {"label": "Seen", "state": "done", "note": "20:15"},
            {"label": "Confirmed", "state": "now", "note": "12 of 32"},
            {"label": "Credited", "state": "later", "note": ""},
        ],
        "rows": [
            {"film": "Harbour, 4 a.m.", "unlocks": 214, "points": "2,568"},
            {"film": "Clay and Fire", "unlocks": 87, "points": "1,740"},
            {"film": "What the Moss Knows", "unlocks": 1043, "points": "0"},
        ],
        "tabs": [
            {"label": "Details", "href": "#details", "is_current": True},
            {"label": "Files", "href": "#files"},
            {"label": "Price", "href": "#price"},
            {"label": "Analytics", "href": "#analytics"},
        ],
    }
