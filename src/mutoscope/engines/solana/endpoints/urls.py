"""To include under any prefix of the project's."""

from __future__ import annotations

from django.urls import path

from mutoscope.engines.solana.endpoints import requests, views

app_name = "mutoscope_solana"
urlpatterns = [
    path("payments/", views.create, name="create"),
    path("payments/<str:public_id>/", views.status, name="status"),
    path("requests/<str:public_id>/<str:ticket>/<str:mint>/", requests.transaction, name="transaction"),
    path("tokens/", views.tokens, name="tokens"),
]
