"""Every address of the site."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from mutoscope.platform.videos.watch import urls as watch
from mutoscope.web import pages
from mutoscope.web.health.endpoints import alive, ready
from mutoscope.web.observe.metrics import metrics

urlpatterns: list[URLPattern | URLResolver] = [
    path("livez", alive, name="livez"),
    path("readyz", ready, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("", pages.home, name="home"),
    # First what is asked most, because Django tries one address after the other: billing begins with the click.
    path("", include(watch.of_the_player)),
    path("", include("mutoscope.platform.billing.urls")),
    path("", include("mutoscope.platform.videos.watch.urls")),
    path("", include("mutoscope.platform.accounts.channels.urls")),
    path("account/", include("mutoscope.platform.accounts.sign_in.urls")),
    path("", include("mutoscope.platform.videos.upload.urls")),
    path("", include("mutoscope.platform.videos.studio.urls")),
    path("", include("mutoscope.platform.analytics.urls")),
    path("", include("mutoscope.platform.support.mail.urls")),
    path("gallery/", pages.gallery, name="gallery"),
    path("operator/", admin.site.urls),
]

handler400 = "mutoscope.web.errors.bad_request"
handler403 = "mutoscope.web.errors.forbidden"
handler404 = "mutoscope.web.errors.not_found"
handler500 = "mutoscope.web.errors.server_error"
