"""What a creator types or sends about a film."""

from __future__ import annotations

import re

from django import forms

from mutoscope.platform.videos.models import DESCRIPTION_LENGTH_MAX, TITLE_LENGTH_MAX
from mutoscope.platform.videos.process.rows import LANGUAGES

LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
CHOICES = [(code, name) for code, name in LANGUAGES.items() if len(code) == 2]


class VideoForm(forms.Form):
    title = forms.CharField(max_length=TITLE_LENGTH_MAX * 2)
    description = forms.CharField(
        required=False,
        max_length=DESCRIPTION_LENGTH_MAX * 2,
        help_text="Lines such as 1:30 The storm become chapters.",
        widget=forms.Textarea(attrs={"rows": 6}),
    )


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
