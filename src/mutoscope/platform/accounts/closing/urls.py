"""Addresses of closing an account."""

from __future__ import annotations

from django.urls import URLPattern, path

from mutoscope.platform.accounts.closing import endpoints

urlpatterns: list[URLPattern] = [
    path("close/", endpoints.close, name="account-close"),
    path("keep/", endpoints.keep, name="account-keep"),
    path("data.json", endpoints.data, name="account-data"),
]
