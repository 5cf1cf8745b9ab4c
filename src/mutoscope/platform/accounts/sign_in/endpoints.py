"""The three of allauth's pages that need more than other words."""

from __future__ import annotations

from typing import Any

from allauth.account import views
from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
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
    """A new address, the mail that confirms it, and the one that tells the main address of it, together."""

    def form_valid(self, form: Any) -> HttpResponse:
        answer = super().form_valid(form)
        # Also of an address that is another account's, which allauth does not add: else the mail's absence would tell.
        added = {"added_email": form.cleaned_data["email"]}
        get_adapter().send_notification_mail("account/email/email_added", self.request.user, added)
        return answer


@method_decorator(reauthentication_required(app="allauth.account"), name="get")
class SetPasswordView(views.PasswordSetView):
    """A first password, for somebody who has a passkey alone: asks for that once more, as all else here that leads into an account."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if is_reauthentication_required(request, app="allauth.account"):
            # Not allauth's way, which keeps what was posted in the session: that would be a password in plain text.
            return HttpResponseRedirect(request.path)
        answer: HttpResponse = super().post(request, *args, **kwargs)
        return answer
