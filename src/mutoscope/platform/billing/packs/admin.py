"""Points that the house gives, in the operator's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from mutoscope.engines.sequences.public import random_id
from mutoscope.platform.accounts.public import Person
from mutoscope.platform.billing.domain.lengths import KEY_LENGTH_MAX
from mutoscope.platform.billing.domain.money import BadAmount, parse_points
from mutoscope.platform.billing.models import Grant
from mutoscope.platform.billing.operator_lists import AddsByUseCase, points_of, staff_id
from mutoscope.platform.billing.packs.service import GrantPoints, GrantPointsInputs

if TYPE_CHECKING:
    GrantFormBase = forms.ModelForm[Grant]
else:  # generic for the type checker only
    GrantFormBase = forms.ModelForm


class NamedPersonField(forms.ModelChoiceField):  # type: ignore[type-arg]  # subscriptable in stubs only
    """Somebody by their name, however it is spelt: `@Ada` is ada."""

    def to_python(self, value: Any) -> Any:
        return super().to_python(Person.normalize_username(value) if isinstance(value, str) else value)


class GrantForm(GrantFormBase):
    """By name: nobody knows people's numbers."""

    person = NamedPersonField(
        Person.objects.all(),
        to_field_name="username",
        widget=forms.TextInput,
        help_text="The name that they sign in with.",
        error_messages={"invalid_choice": "Nobody has this name."},
    )
    points = forms.CharField(max_length=12, widget=forms.TextInput(attrs={"inputmode": "numeric"}))
    # The same form sent twice gives once.
    key = forms.CharField(max_length=KEY_LENGTH_MAX, widget=forms.HiddenInput, initial=random_id)

    class Meta:
        model = Grant
        fields = ["person", "points", "reason", "key"]

    # Who fills it in: set by the page.
    by_id: int | None = None

    def clean_person(self) -> Person:
        person: Person = self.cleaned_data["person"]
        if person.pk == self.by_id:
            raise forms.ValidationError("Nobody gives themselves points. Ask somebody else of the staff.")
        return person

    def clean_points(self) -> int:
        try:
            return parse_points(self.cleaned_data["points"])
        except BadAmount as problem:
            raise forms.ValidationError(str(problem)) from None

    def validate_unique(self) -> None:
        """Not here: the same key again is the same grant, which the use case answers."""


@admin.register(Grant)
class GrantAdmin(AddsByUseCase):
    """Adding one gives the points."""

    form = GrantForm
    list_display = ("person", points_of("points"), "reason", "by", "at")
    list_select_related = ("person", "by")
    search_fields = ("person__username",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("billing.add_grant"))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, which knows who fills it in."""
        return type(
            "GrantFormOfSomebody", (super().get_form(request, obj, change, **kwargs),), {"by_id": staff_id(request)}
        )

    def save_model(self, request: HttpRequest, obj: Grant, form: Any, change: bool) -> None:
        """Through the use case: a row alone would move nothing."""
        asked = GrantPointsInputs(obj.person_id, obj.points, obj.reason, obj.key, staff_id(request))
        given = Grant.objects.get(transfer_id=GrantPoints().call(asked).transfer_id)
        obj.pk, obj.transfer_id, obj.by, obj.at = given.pk, given.transfer_id, given.by, given.at
