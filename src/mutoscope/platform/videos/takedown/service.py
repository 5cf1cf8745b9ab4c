"""The operator takes a film down, and lets it back. Its creator can do neither."""

from __future__ import annotations

from dataclasses import dataclass

from mutoscope.engines.services import Internals, NoInternals, NoOutputs, Outputs, Service, State, Steps, atomic
from mutoscope.platform.videos.domain.life import VideoState, origins
from mutoscope.platform.videos.failures import NoSuchVideo, NotNow, Unacceptable
from mutoscope.platform.videos.life.moves import REASON_LENGTH_MAX, move
from mutoscope.platform.videos.models import Move, Video

WITHOUT_REASON = f"Say why: a reason of 1 to {REASON_LENGTH_MAX} characters."


@dataclass(frozen=True)
class TakeDownFilmInputs:
    video_id: int
    # Staff.
    by_id: int
    # In words for its creator.
    reason: str


Taking = State[TakeDownFilmInputs, NoInternals, NoOutputs]


class TakeDownFilm(Service[TakeDownFilmInputs, NoInternals, NoOutputs]):
    """A film is listed nowhere, not sold, and played by nobody, until staff lift that."""

    failures = (Unacceptable, NotNow, NoSuchVideo)

    def steps(self) -> Steps[TakeDownFilmInputs, NoInternals, NoOutputs]:
        return (self.refuse_without_a_reason, self.move_it)

    def refuse_without_a_reason(self, taking: Taking) -> None:
        if not 1 <= len(taking.inputs.reason.strip()) <= REASON_LENGTH_MAX:
            raise Unacceptable(where="reason", why=WITHOUT_REASON)

    def move_it(self, taking: Taking) -> None:
        """Players that are going get no further key: each asks where the film stands."""
        inputs = taking.inputs
        move(inputs.video_id, VideoState.TAKEN_DOWN, by_id=inputs.by_id, reason=inputs.reason.strip())


@dataclass(frozen=True)
class LiftTakeDownInputs:
    video_id: int
    by_id: int


class LiftTakeDownInternals(Internals):
    # Of the state that it had: what it was, and why it was in it.
    before: VideoState
    why_before: str


class LiftTakeDownOutputs(Outputs):
    state: VideoState


Lifting = State[LiftTakeDownInputs, LiftTakeDownInternals, LiftTakeDownOutputs]


class LiftTakeDown(Service[LiftTakeDownInputs, LiftTakeDownInternals, LiftTakeDownOutputs]):
    """A film that was taken down is again what it was before."""

    failures = (NotNow, NoSuchVideo)

    def steps(self) -> Steps[LiftTakeDownInputs, LiftTakeDownInternals, LiftTakeDownOutputs]:
        return (atomic(self.find_what_it_was, self.move_it_back),)

    def find_what_it_was(self, lifting: Lifting) -> None:
        # Locked, so that nobody lifts it and takes it down again in between.
        video = Video.objects.select_for_update().filter(pk=lifting.inputs.video_id).first()
        if video is None:
            raise NoSuchVideo
        if video.state != VideoState.TAKEN_DOWN:
            raise NotNow(state=video.state, wanted="lifted")
        lifting.internals.before, lifting.internals.why_before = state_before(video.pk)

    def move_it_back(self, lifting: Lifting) -> None:
        inputs, internals = lifting.inputs, lifting.internals
        taken_down = frozenset({VideoState.TAKEN_DOWN})
        move(inputs.video_id, internals.before, by_id=inputs.by_id, reason=internals.why_before, only_from=taken_down)
        lifting.outputs.state = internals.before


def state_before(video_id: int) -> tuple[VideoState, str]:
    """What a film was before it was last taken down, and why it was that. Two queries."""
    moves = Move.objects.filter(video=video_id)
    taken_down = moves.filter(to_state=VideoState.TAKEN_DOWN).latest("id")
    entered = moves.filter(pk__lt=taken_down.pk, to_state=taken_down.from_state).latest("id")
    return VideoState(taken_down.from_state), entered.reason


def can_be_taken_down(state: str) -> bool:
    """Whether there is something that others could see, now or as soon as its creator wants."""
    return VideoState(state) in origins(VideoState.TAKEN_DOWN)
