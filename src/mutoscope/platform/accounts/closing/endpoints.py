"""Pages about closing an account, coming back to it, and taking everything along."""

from __future__ import annotations

from typing import Any, cast

from allauth.account.decorators import reauthentication_required
from allauth.account.stages import LoginStageController
from django.contrib import messages
from django.contrib.auth import logout
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from mutoscope.platform.accounts.closing.export import everything_about
from mutoscope.platform.accounts.closing.failures import ClosingAlready, NothingToKeep, Prevented
from mutoscope.platform.accounts.closing.forms import CloseForm
from mutoscope.platform.accounts.closing.returning import KeepAccountStage, closing_of
from mutoscope.platform.accounts.closing.service import (
    GRACE,
    CloseAccount,
    CloseAccountInputs,
    KeepAccount,
    KeepAccountInputs,
    files_of,
    hindrances_of,
    losses_of,
)
from mutoscope.platform.accounts.models import Person
from mutoscope.platform.accounts.sign_in.required import login_required


@login_required
@reauthentication_required(allow_get=True)  # type: ignore[untyped-decorator] # allauth has no types
@require_http_methods(["GET", "HEAD", "POST"])
def close(request: HttpRequest) -> HttpResponse:
    """What goes, what stays and what prevents it; then the form, which asks who it is once more."""
    person = cast("Person", request.user)
    form = CloseForm(request.POST or None, username=person.username)
    if request.method == "POST" and form.is_valid():
        try:
            closed = CloseAccount().call(CloseAccountInputs(person.pk))
        except (Prevented, ClosingAlready):
            # What came up since the page was made stands on it now.
            pass
        else:
            logout(request)
            day = f"{closed.erase_at:%-d %B %Y}"
            messages.success(request, f"Your account is closed. Sign in before {day} if you want to keep it after all.")
            return redirect("home")
    hindrances = hindrances_of(person)
    context = {
        "form": form,
        "hindrances": hindrances,
        "losses": losses_of(person),
        "files": files_of(person),
        "grace_days": GRACE.days,
    }
    status = 409 if request.method == "POST" and hindrances else 422 if form.errors else 200
    return render(request, "accounts/closing/close.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def keep(request: HttpRequest) -> HttpResponse:
    """Somebody has just proven who they are, and is not signed in before they answer."""
    stage: Any = LoginStageController.enter(request, KeepAccountStage.key)
    if stage is None:
        return redirect("account_login")
    person: Person = stage.login.user
    closing = closing_of(person)
    if closing is None:
        # Answered in another tab, or erased in this moment.
        return _as_answered(stage, is_kept=person.is_active)
    if request.method != "POST":
        return render(request, "accounts/closing/keep.html", {"closing": closing})
    if request.POST.get("answer") != "keep":
        messages.info(request, "Your account stays closed.")
        return _as_answered(stage, is_kept=False)
    try:
        KeepAccount().call(KeepAccountInputs(person.pk))
    except NothingToKeep as refusal:
        messages.error(request, refusal.sentence())
        return _as_answered(stage, is_kept=False)
    person.is_active = True
    messages.success(request, "Your account is as it was.")
    return _as_answered(stage, is_kept=True)


@login_required
@reauthentication_required  # type: ignore[untyped-decorator] # allauth has no types
@require_safe
def data(request: HttpRequest) -> HttpResponseBase:
    """Everything about a person, as a file."""
    file = everything_about(cast("Person", request.user))
    return FileResponse(file, as_attachment=True, filename="my-data.json", content_type="application/json")


def _as_answered(stage: Any, *, is_kept: bool) -> HttpResponse:
    """Signed in, or back at the page to sign in."""
    answer: HttpResponse = stage.exit() if is_kept else stage.abort()
    return answer
