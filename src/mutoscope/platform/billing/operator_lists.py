"""What the lists in the operator's pages have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from mutoscope.platform.billing.domain.lengths import REASON_LENGTH_MAX
from mutoscope.platform.billing.failures import Refused

if TYPE_CHECKING:
    ReadOnlyBase = admin.ModelAdmin[Any]
else:  # generic for the type checker only
    ReadOnlyBase = admin.ModelAdmin


class LookOnly(ReadOnlyBase):
    """What happened is not edited."""

    list_per_page = 50
    show_full_result_count = False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Named for what it lists: nothing is selected to be changed."""
        title = str(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title[:1].upper() + title[1:], **(extra_context or {})})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class AddsByUseCase(LookOnly):
    """Where adding a row is a use case, which may refuse: then it says why, and nothing was done."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refused as refusal:
            messages.error(request, refusal.sentence())
            request.method = "GET"
            return super().changeform_view(request, object_id, form_url, extra_context)


class ReasonForm(ActionForm):
    """What is decided about money is decided with a reason, which stays with it."""

    reason = forms.CharField(required=False, max_length=REASON_LENGTH_MAX, label="Reason:")


def staff_id(request: HttpRequest) -> int:
    """Who of the staff asks."""
    assert request.user.pk is not None
    return request.user.pk
