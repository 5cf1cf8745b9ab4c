"""Addresses of analytics."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path, re_path

from mutoscope.platform.analytics.api.endpoints import api
from mutoscope.platform.analytics.reports import endpoints as reports
from mutoscope.platform.analytics.visits import endpoints as visits

# The form of a film's public id, as videos makes them.
FILM = r"(?P<public_id>[a-z0-9]{12})"

urlpatterns: list[URLPattern | URLResolver] = [
    re_path(rf"^visits/{FILM}$", visits.visit, name="visit"),
    path("studio/analytics/", reports.overview, name="analytics"),
    path("studio/analytics/days.csv", reports.days_csv, name="analytics-days"),
    path("studio/analytics/films.csv", reports.films_csv, name="analytics-films"),
    re_path(rf"^studio/films/{FILM}/analytics/$", reports.film, name="film-analytics"),
    re_path(rf"^studio/films/{FILM}/analytics/days\.csv$", reports.days_csv, name="film-analytics-days"),
    re_path(rf"^studio/films/{FILM}/analytics/retention\.csv$", reports.retention_csv, name="film-retention"),
    path("api/analytics/", api.urls),
]
