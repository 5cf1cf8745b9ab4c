"""Django's admin under the site's own name and colours."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class OperatorConfig(AdminConfig):
    """Django's admin as the operator's pages."""

    default = False
    default_site = "mutoscope.web.operator_site.OperatorSite"

    def ready(self) -> None:
        super().ready()
        from allauth.mfa.models import Authenticator
        from django.contrib.admin import site

        # Its pages show the secrets of everybody's second factor. Nobody needs to see them.
        site.unregister(Authenticator)
