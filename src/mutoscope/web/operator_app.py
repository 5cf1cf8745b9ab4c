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

        from mutoscope.engines.solana.public import payment_model

        # Its pages show the secrets of everybody's second factor. Nobody needs to see them.
        site.unregister(Authenticator)
        # Here money goes back by the refunds of top-ups alone: asked for by its viewer, approved with a reason.
        site.get_model_admin(payment_model()).actions = ("recheck", "accept_late")
