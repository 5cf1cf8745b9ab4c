"""Addresses of the developer's outbox."""

from __future__ import annotations

from django.urls import URLPattern, path

from mutoscope.platform.support.mail import endpoints

urlpatterns: list[URLPattern] = [
    path("outbox/", endpoints.outbox, name="outbox"),
    path("outbox/<int:number>/", endpoints.message, name="outbox-message"),
]
