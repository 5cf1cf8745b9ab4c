"""Addresses of everything about signing in: allauth's own, with ours in front where they differ."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from mutoscope.platform.accounts.closing import urls as closing
from mutoscope.platform.accounts.sign_in import endpoints

urlpatterns: list[URLPattern | URLResolver] = [
    path("signup/", endpoints.SignUpView.as_view(), name="account_signup"),
    path("email/", endpoints.EmailView.as_view(), name="account_email"),
    path("password/set/", endpoints.SetPasswordView.as_view(), name="account_set_password"),
    path("", include(closing)),
    path("", include("allauth.account.urls")),
    path("two-step/", include("allauth.mfa.urls")),
    path("sessions/", include("allauth.usersessions.urls")),
]
