"""People and channels in the operator's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html

from mutoscope.platform.accounts.closing.operator import (
    ClosedFilter,
    close_view,
    closing_of_person,
    is_closing,
    is_erased,
)
from mutoscope.platform.accounts.models import Channel, Person

if TYPE_CHECKING:
    PersonAdminBase = UserAdmin[Person]
    ChannelAdminBase = admin.ModelAdmin[Channel]
else:  # generic for the type checker only
    PersonAdminBase = UserAdmin
    ChannelAdminBase = admin.ModelAdmin

# What only a superuser may change: it decides who else may do what.
OF_SUPERUSERS = ("is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(Person)
class PersonAdmin(PersonAdminBase):
    list_display = ("username", "email", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = ("is_active", ClosedFilter, "is_staff", "groups")
    search_fields = ("username", "email")
    readonly_fields = ("last_login", "date_joined", "leaving")
    fieldsets = (
        (None, {"fields": ("username", "email", "password")}),
        ("May do", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("When", {"fields": ("date_joined", "last_login")}),
        ("Leaving", {"fields": ("leaving",)}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "email", "usable_password", "password1", "password2")}),
    )
    ordering = ("-date_joined",)

    @admin.display(description="closing")
    def leaving(self, person: Person) -> str:
        return closing_of_person(person)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Without the password for all but superusers: where it is not a form's field, Django shows the whole hash."""
        found = super().get_fieldsets(request, obj)
        if request.user.is_superuser:
            return found
        return [
            (name, {**parts, "fields": tuple(field for field in parts["fields"] if field != "password")})
            for name, parts in found
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = list(super().get_readonly_fields(request, obj))
        if not request.user.is_superuser:
            fields += [*OF_SUPERUSERS, "username", "email"]
        if obj is not None and is_closing(obj):
            fields.append("is_active")
        return fields

    def get_urls(self) -> list[URLPattern]:
        close = path("<int:person_id>/close/", self.admin_site.admin_view(self.close), name="accounts_person_close")
        return [close, *super().get_urls()]

    def close(self, request: HttpRequest, person_id: int) -> HttpResponse:
        person = self.get_object(request, str(person_id))
        if not self.has_change_permission(request, person):
            raise PermissionDenied
        if person is None:
            raise Http404
        return close_view(self, request, person)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # An operator who could suspend a superuser, or another operator, could lock everybody else out.
        may = super().has_change_permission(request, obj)
        if obj is not None and is_erased(obj):
            return False
        return may and (obj is None or not obj.is_staff or request.user.is_superuser)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:  # noqa: A002
        if not request.user.is_superuser:
            raise PermissionDenied
        return super().user_change_password(request, id, form_url)


@admin.register(Channel)
class ChannelAdmin(ChannelAdminBase):
    list_display = ("title", "address", "owner", "opened_at")
    search_fields = ("title", "handle")
    list_select_related = ("owner",)
    fields = ("title", "handle", "description", "owner", "opened_at")
    readonly_fields = ("handle", "owner", "opened_at")

    @admin.display(description="address", ordering="handle")
    def address(self, channel: Channel) -> str:
        return format_html('<a href="{}">@{}</a>', channel.get_absolute_url(), channel.handle)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Channel | None = None) -> bool:
        return False
