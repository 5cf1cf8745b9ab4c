"""The operator's pages: Django's admin behind our own sign-in, and behind a second factor where money is real."""

from __future__ import annotations

from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse


class OperatorSite(AdminSite):
    site_title = "Mutoscope operator"
    site_header = "mutoscope operator"
    index_title = "How the site is"
    enable_nav_sidebar = True
    index_template = "operator/index.html"

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The lists, below what somebody should see first."""
        # Not before the apps are loaded: it reads their tables.
        from mutoscope.web.operator_dashboard import panels, urgent

        seen = panels(request)
        return super().index(request, {**(extra_context or {}), "panels": seen, "urgent": urgent(seen)})

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and not self.lacks_second_factor(request)

    def lacks_second_factor(self, request: HttpRequest) -> bool:
        """A password alone opens these pages in a sandbox only."""
        user = request.user
        return not settings.SANDBOX and user.is_authenticated and not is_mfa_enabled(user)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Our own sign-in page, which knows limits, passkeys and second factors; Django's admin knows none of these."""
        if request.user.is_authenticated:
            if request.user.is_staff and self.lacks_second_factor(request):
                messages.warning(request, "The operator pages need two-step sign-in. Set it up here first.")
                return redirect("mfa_index")
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next") or "/operator/")
