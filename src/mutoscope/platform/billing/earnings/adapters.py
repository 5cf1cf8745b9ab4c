"""This context's answer to what the studio's list asks (videos' port): what each film brought."""

from __future__ import annotations

from collections.abc import Mapping

from mutoscope.platform.billing.earnings.revenue import films_of
from mutoscope.platform.videos.public import Sold


def billing_film_sales(channel_id: int) -> Mapping[int, Sold]:
    """Points in the creator's own part, tips with them and refunds taken off. One query."""
    return {film.video_id: Sold(film.points(), film.sales() - film.refunds) for film in films_of(channel_id)}
