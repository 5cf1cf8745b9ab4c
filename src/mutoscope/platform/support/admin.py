"""Mail in the operator's pages: what happened to each, never what it said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest

from mutoscope.platform.support.models import Mail, MailState

if TYPE_CHECKING:
    MailAdminBase = admin.ModelAdmin[Mail]
else:  # generic for the type checker only
    MailAdminBase = admin.ModelAdmin


@admin.register(Mail)
class MailAdmin(MailAdminBase):
    """Read only, but for sending a dead one again. The content is not shown: it may hold a link that signs somebody in."""

    list_display = ("subject", "to", "state", "attempts", "created_at", "due_at", "last_error")
    list_filter = ("state",)
    search_fields = ("subject", "recipients")
    fields = (
        "subject",
        "sender",
        "recipients",
        "state",
        "attempts",
        "created_at",
        "due_at",
        "leased_until",
        "ended_at",
        "last_error",
    )
    actions = ("send_again",)
    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Mail]:
        return super().get_queryset(request).defer("message", "text")

    @admin.display(description="to")
    def to(self, mail: Mail) -> str:
        return ", ".join(mail.recipients)

    @admin.action(description="Send again", permissions=["change"])
    def send_again(self, request: HttpRequest, mails: QuerySet[Mail]) -> None:
        again = mails.filter(state=MailState.DEAD).update(
            state=MailState.WAITING, attempts=0, due_at=Now(), ended_at=None, last_error=""
        )
        if again:
            messages.success(request, f"{again} will be sent again.")
        else:
            messages.warning(request, "Only a mail that was given up can be sent again. Nothing was changed.")

    def get_readonly_fields(self, request: HttpRequest, obj: Mail | None = None) -> tuple[str, ...]:
        return self.fields

    def has_change_permission(self, request: HttpRequest, obj: Mail | None = None) -> bool:
        # Of the list, where the action needs it. A mail's own page has nothing to save.
        return obj is None and super().has_change_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Mail | None = None) -> bool:
        return False
