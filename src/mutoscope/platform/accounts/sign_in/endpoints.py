"""The two of allauth's pages that need more than other words."""

from __future__ import annotations

from typing import Any

from allauth.account import views
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.utils.decorators import method_decorator

from mutoscope.platform.accounts.sign_in.adapters import AccountAdapter


class SignUpView(views.SignupView):
    """Person, address and mail in one transaction: all of it happens or nothing."""

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            with transaction.atomic():
                return super().form_valid(form)
        except IntegrityError as error:
            # Somebody else took the name, or one that looks like it, since the form looked.
            if "username" not in str(error):
                raise
            form.add_error("username", AccountAdapter.error_messages["username_taken"])
            return self.form_invalid(form)


@method_decorator(transaction.atomic, name="form_valid")
class EmailView(views.EmailView):
    """A new address and the mail that confirms it, together."""
