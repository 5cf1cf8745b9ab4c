"""What a creator types about a channel, and what is said about it field by field."""

from __future__ import annotations

from typing import Any, BinaryIO, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile

from mutoscope.platform.accounts.channels.avatar import UPLOAD_BYTES_MAX, square_webp
from mutoscope.platform.accounts.channels.service import refuse_a_look_alike
from mutoscope.platform.accounts.domain import names, texts
from mutoscope.platform.accounts.failures import HandleTaken, NotAnImage


class ChannelForm(forms.Form):
    """Title, description and picture: what can be changed at any time."""

    # Without maxlength: a browser would cut what is pasted and say nothing.
    title = forms.CharField(help_text="Shown above your films. Any language.")
    description = forms.CharField(
        required=False,
        label="About",
        help_text="Who you are and what you film.",
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    avatar = forms.FileField(
        required=False,
        label="Picture",
        help_text="PNG, JPEG or WebP, at most 8 MB. The middle square is used.",
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )

    def clean_title(self) -> str:
        try:
            return texts.parse_title(self.cleaned_data["title"])
        except texts.BadText as error:
            raise forms.ValidationError(str(error)) from None

    def clean_description(self) -> str:
        try:
            return texts.parse_description(self.cleaned_data["description"])
        except texts.BadText as error:
            raise forms.ValidationError(str(error)) from None

    def clean_avatar(self) -> UploadedFile[Any] | None:
        upload: UploadedFile[Any] | None = self.cleaned_data["avatar"]
        if upload is not None and (upload.size or 0) > UPLOAD_BYTES_MAX:
            raise forms.ValidationError("This file is larger than 8 MB. Use a smaller one.")
        if upload is not None:
            # Drawn once more when it is kept; here, so that it is named together with whatever else is wrong.
            try:
                square_webp(cast("BinaryIO", upload))
            except NotAnImage as refusal:
                raise forms.ValidationError(refusal.sentence()) from None
            upload.seek(0)
        return upload


class OpenChannelForm(ChannelForm):
    """The handle is chosen once."""

    handle = forms.CharField(
        max_length=200,
        help_text="Your address on this site. It cannot be changed later.",
        # No autocomplete="off" here or anywhere: browsers would then not bring back what was typed (page errors/csrf.html).
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )
    field_order = ("handle", "title", "description", "avatar")

    def clean_handle(self) -> str:
        try:
            handle = names.parse_name(self.cleaned_data["handle"])
            refuse_a_look_alike(handle)
        except names.BadName as error:
            raise forms.ValidationError(str(error)) from None
        except HandleTaken as refusal:
            raise forms.ValidationError(refusal.sentence()) from None
        return handle


class EditChannelForm(ChannelForm):
    remove_avatar = forms.BooleanField(required=False, label="Remove the picture")

    def __init__(self, *args: Any, has_avatar: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_avatar:
            del self.fields["remove_avatar"]
