"""A creator decides what those see of a film who have not paid."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms

from mutoscope.engines.services import NoInternals, NoOutputs, Service, State, Steps, atomic
from mutoscope.platform.videos.domain.chapters import clock
from mutoscope.platform.videos.domain.life import PLAYABLE
from mutoscope.platform.videos.domain.trailers import BadMoment, TrailerChoice, check_clip, parse_moment
from mutoscope.platform.videos.failures import NotNow, Unacceptable
from mutoscope.platform.videos.models import Video
from mutoscope.platform.videos.process.trailer import remake_trailer


class TrailerForm(forms.Form):
    trailer = forms.ChoiceField(
        label="Trailer",
        choices=[
            (TrailerChoice.AUTOMATIC.value, "A few moments, chosen for you"),
            (TrailerChoice.OWN.value, "My own clip, from and to"),
            (TrailerChoice.NONE.value, "None"),
        ],
        help_text="Whoever has not paid sees it, without sound.",
    )
    begins = forms.CharField(label="From", required=False, max_length=12, help_text="For your own clip, as 1:30.")
    ends = forms.CharField(label="To", required=False, max_length=12, help_text="At most three minutes later.")


def trailer_form(video: Video) -> TrailerForm:
    """The form with what is chosen now."""
    begins, ends = video.trailer_from_ms, video.trailer_to_ms
    return TrailerForm(
        initial={
            "trailer": video.trailer_choice,
            "begins": "" if begins is None else clock(begins),
            "ends": "" if ends is None else clock(ends),
        }
    )


@dataclass(frozen=True)
class ChooseTrailerInputs:
    video: Video
    choice: TrailerChoice
    # As typed; asked for an own clip alone.
    begins: str = ""
    ends: str = ""


Choosing = State[ChooseTrailerInputs, NoInternals, NoOutputs]


class ChooseTrailer(Service[ChooseTrailerInputs, NoInternals, NoOutputs]):
    """A creator has a film's trailer made by itself, cuts it out, or has none. A worker makes it."""

    failures = (Unacceptable, NotNow)

    def steps(self) -> Steps[ChooseTrailerInputs, NoInternals, NoOutputs]:
        return (self.check, atomic(self.keep))

    def check(self, choosing: Choosing) -> None:
        inputs = choosing.inputs
        if inputs.video.state not in PLAYABLE:
            raise NotNow(state=inputs.video.state, wanted="another trailer")
        moments: list[int] = []
        if inputs.choice is TrailerChoice.OWN:
            for where in ("begins", "ends"):
                try:
                    moments.append(parse_moment(getattr(inputs, where)))
                except BadMoment as error:
                    raise Unacceptable(where=where, why=str(error)) from None
            try:
                check_clip(moments[0], moments[1], inputs.video.duration_ms or 0)
            except BadMoment as error:
                raise Unacceptable(where="ends", why=str(error)) from None
        video = inputs.video
        video.trailer_choice = inputs.choice
        video.trailer_from_ms, video.trailer_to_ms = moments or (None, None)

    def keep(self, choosing: Choosing) -> None:
        video = choosing.inputs.video
        video.save(update_fields=["trailer_choice", "trailer_from_ms", "trailer_to_ms"])
        remake_trailer.enqueue(video.pk)
