"""What a creator types or sends about a film."""

from __future__ import annotations

import re

from django import forms
from django.http import QueryDict

from mutoscope.platform.accounts.public import BadText, parse_description, parse_title
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.process.rows import LANGUAGES
from mutoscope.platform.videos.studio.words import Words

LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
CHOICES = [(code, name) for code, name in LANGUAGES.items() if len(code) == 2]


class VideoForm(forms.Form):
    """Without maxlength: a browser would cut what is pasted and say nothing. The rules count, and name the field."""

    title = forms.CharField()
    description = forms.CharField(
        required=False,
        help_text="Lines such as “1:30 The storm” become chapters.",
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def clean_title(self) -> str:
        try:
            return parse_title(self.cleaned_data["title"])
        except BadText as error:
            raise forms.ValidationError(str(error)) from None

    def clean_description(self) -> str:
        try:
            return parse_description(self.cleaned_data["description"])
        except BadText as error:
            raise forms.ValidationError(str(error)) from None

    def words(self, video: Video) -> Words:
        """What was typed. A page that says no version was drawn before there were any."""
        seen = self.cleaned_data["version"]
        return Words(
            self.cleaned_data["title"],
            self.cleaned_data["description"],
            video.words_version if seen is None else seen,
        )


def video_form(video: Video) -> VideoForm:
    """The form with the words that are saved."""
    initial = {"title": video.title, "description": video.description, "version": video.words_version}
    return VideoForm(initial=initial)


def sent_again(sent: QueryDict, video: Video) -> VideoForm:
    """What was typed, after it was told that other words are saved: sent again, it takes their place."""
    data = sent.copy()
    data["version"] = str(video.words_version)
    return VideoForm(data)


class SubtitlesForm(forms.Form):
    file = forms.FileField(
        help_text="SRT, WebVTT or ASS.", widget=forms.FileInput(attrs={"accept": ".srt,.vtt,.ass,.ssa"})
    )
    language = forms.ChoiceField(choices=CHOICES)


class CoverForm(forms.Form):
    picture = forms.FileField(
        label="Your own picture",
        help_text="PNG, JPEG or WebP, 16:9 looks best.",
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )
