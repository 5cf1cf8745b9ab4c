"""Closing somebody's account in the operator's pages, for people who ask by mail; and which accounts are closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.options import ModelAdmin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mutoscope.platform.accounts.closing.failures import ClosingAlready, NothingToKeep, Prevented
from mutoscope.platform.accounts.closing.forms import OperatorCloseForm
from mutoscope.platform.accounts.closing.models import Closing
from mutoscope.platform.accounts.closing.service import (
    GRACE,
    CloseAccount,
    CloseAccountInputs,
    KeepAccount,
    KeepAccountInputs,
    hindrances_of,
    losses_of,
)
from mutoscope.platform.accounts.models import Person

if TYPE_CHECKING:
    PersonAdmin = ModelAdmin[Person]
    PeopleFilter = admin.SimpleListFilter
else:  # generic for the type checker only
    PersonAdmin = ModelAdmin
    PeopleFilter = admin.SimpleListFilter


class ClosedFilter(PeopleFilter):
    title = "closing"
    parameter_name = "closed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "Not closed"), ("closing", "Being closed"), ("closed", "Closed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "no":
            return queryset.filter(closing=None)
        if self.value() in ("closing", "closed"):
            return queryset.filter(closing__isnull=False, closing__erased_at__isnull=self.value() == "closing")
        return queryset


def is_closing(person: Person) -> bool:
    """Whether it is being closed, or was: then nobody switches it on and off beside."""
    return Closing.objects.filter(person_id=person.pk).exists()


def is_erased(person: Person) -> bool:
    """Whether nothing is left that could be changed."""
    return Closing.objects.filter(person_id=person.pk, erased_at__isnull=False).exists()


def closing_of_person(person: Person) -> SafeString | str:
    """On a person's page: how their account stands, and the way to close it. Nothing of one who is only being added."""
    if person._state.adding:
        return ""
    closing = Closing.objects.select_related("by").filter(person_id=person.pk).first()
    there = reverse("admin:accounts_person_close", args=[person.pk])
    if closing is None:
        return format_html('<a class="button" href="{}">Close this account</a>', there)
    if closing.erased_at is not None:
        by = f" by {closing.by}" if closing.by is not None else ""
        return f"Closed{by} on {closing.asked_at:%-d %B %Y}, erased on {closing.erased_at:%-d %B %Y}"
    return format_html('<a class="button" href="{}">It is erased on {}</a>', there, f"{closing.erase_at:%-d %B %Y}")


def close_view(of: PersonAdmin, request: HttpRequest, person: Person) -> HttpResponse:
    """What it does, what prevents it, and a reason. While it is being closed: until when, and the way back."""
    closing = Closing.objects.select_related("by").filter(person_id=person.pk).first()
    if closing is not None and closing.erased_at is not None:
        raise Http404
    form = OperatorCloseForm(request.POST if request.method == "POST" and closing is None else None)
    back = redirect("admin:accounts_person_change", person.pk)
    if request.method == "POST" and "keep" in request.POST and closing is not None:
        return back if _done(request, lambda: _keep(of, request, person)) else redirect(request.path)
    if (
        request.method == "POST"
        and form.is_valid()
        and _done(request, lambda: _close(of, request, person, form.cleaned_data["reason"]))
    ):
        return back
    context = {
        **of.admin_site.each_context(request),
        "title": "Close this account",
        "opts": of.opts,
        "media": of.media,
        "person": person,
        "closing": closing,
        "form": form,
        "hindrances": hindrances_of(person),
        "losses": losses_of(person),
        "grace_days": GRACE.days,
    }
    return TemplateResponse(request, "accounts/closing/operator.html", context)


def _done(request: HttpRequest, act: Callable[[], str]) -> bool:
    try:
        told = act()
    except (Prevented, ClosingAlready, NothingToKeep) as refusal:
        messages.error(request, refusal.sentence())
        return False
    messages.success(request, told)
    return True


def _close(of: PersonAdmin, request: HttpRequest, person: Person, reason: str) -> str:
    closed = CloseAccount().call(CloseAccountInputs(person.pk, by_id=request.user.pk, reason=reason))
    # Without the reason, which is erased with the rest.
    of.log_change(request, person, "Closed the account.")
    return f"The account is closed. It is erased on {closed.erase_at:%-d %B %Y}."


def _keep(of: PersonAdmin, request: HttpRequest, person: Person) -> str:
    KeepAccount().call(KeepAccountInputs(person.pk))
    of.log_change(request, person, "Kept the account, which was being closed.")
    return "The account is as it was."
