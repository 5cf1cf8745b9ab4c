"""A video's life: what the domain allows is what the database allows, and every move leaves a row."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import pairwise
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from mutoscope.platform.videos.domain.life import MOVES, PLAYABLE, PUBLIC, VideoState, may_move, origins
from mutoscope.platform.videos.failures import NotNow
from mutoscope.platform.videos.life.moves import move
from mutoscope.platform.videos.models import Move, Video
from tests.platform.videos.films import new_channel, new_edition, new_video

STATES = list(VideoState)


def test_every_state_can_be_reached_and_left() -> None:
    assert set(MOVES) == set(VideoState)
    reached = {VideoState.DRAFT}
    while True:
        further = reached | {target for state in reached for target in MOVES[state]}
        if further == reached:
            break
        reached = further
    assert reached == set(VideoState)
    assert all(MOVES[state] for state in VideoState), "nothing is a dead end"


def test_nothing_becomes_public_without_having_been_made_ready() -> None:
    for target in PUBLIC:
        assert origins(target) <= PLAYABLE | {VideoState.TAKEN_DOWN}
    assert origins(VideoState.TAKEN_DOWN) == PLAYABLE, "what was taken down had been made ready"
    assert VideoState.TAKEN_DOWN not in PLAYABLE | PUBLIC


@pytest.mark.django_db
@pytest.mark.parametrize("origin", STATES)
def test_the_database_allows_exactly_the_moves_of_the_table(origin: VideoState) -> None:
    video = new_video(new_channel(), origin)
    Video.objects.filter(pk=video.pk).update(edition=video.edition or new_edition(video))
    for target in STATES:
        if target is origin:
            continue
        # Past the domain and past move(), as a wrong programme or a hand at psql would.
        words: dict[str, Any] = {"state": target, "state_reason": "why"}
        if target in PUBLIC and video.published_at is None:
            words["published_at"] = video.created_at
        expected = nullcontext() if may_move(origin, target) else pytest.raises(IntegrityError, match="cannot go from")
        with expected, transaction.atomic():
            Video.objects.filter(pk=video.pk).update(**words)
            transaction.set_rollback(True)


@pytest.mark.django_db
def test_a_video_cannot_begin_as_anything_but_a_draft() -> None:
    channel = new_channel()
    with pytest.raises(IntegrityError, match="begins as draft"), transaction.atomic():
        Video.objects.create(channel=channel, title="A voyage", state=VideoState.PROCESSING)


@pytest.mark.django_db
def test_a_failed_video_says_why() -> None:
    video = new_video(new_channel(), VideoState.PROCESSING)
    with pytest.raises(IntegrityError, match="videos_video_failed_says_why"), transaction.atomic():
        move(video.pk, VideoState.FAILED)
    move(video.pk, VideoState.FAILED, reason="The file holds no picture.")
    assert video.moves.get(to_state="failed").reason == "The file holds no picture."


@pytest.mark.django_db
def test_nothing_is_ready_without_an_edition() -> None:
    video = new_video(new_channel(), VideoState.PROCESSING)
    with pytest.raises(IntegrityError, match="videos_video_playable_has_edition"), transaction.atomic():
        move(video.pk, VideoState.READY)


@pytest.mark.django_db
@pytest.mark.parametrize("moments", [(0, None), (None, 9), (None, None), (9, 9), (-1, 9)])
def test_a_trailer_of_ones_own_has_both_moments(moments: tuple[int | None, int | None]) -> None:
    video = new_video(new_channel(), VideoState.DRAFT)
    begin_ms, end_ms = moments
    with pytest.raises(IntegrityError, match="videos_video_own_trailer_has_moments"), transaction.atomic():
        Video.objects.filter(pk=video.pk).update(trailer_choice="own", trailer_from_ms=begin_ms, trailer_to_ms=end_ms)


class Life(RuleBasedStateMachine):
    """Random moves, beside a model that is nothing but the table. Each history is one transaction, rolled back."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.video = new_video(new_channel())
        Video.objects.filter(pk=self.video.pk).update(edition=new_edition(self.video))
        self.way = [VideoState.DRAFT]

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    @rule(wanted=st.sampled_from(STATES))
    def go(self, wanted: VideoState) -> None:
        before = self.way[-1]
        if (before, wanted) == (VideoState.READY, VideoState.UPLOADING) and self.was_shown():
            with pytest.raises(IntegrityError, match="its file stays"), transaction.atomic():
                move(self.video.pk, wanted)
        elif may_move(before, wanted):
            move(self.video.pk, wanted, reason="why")
            self.way.append(wanted)
        else:
            with pytest.raises(NotNow) as refused:
                move(self.video.pk, wanted, reason="why")
            assert refused.value.state == before

    @invariant()
    def the_row_is_where_the_model_is(self) -> None:
        assert Video.objects.get(pk=self.video.pk).state == self.way[-1]

    @invariant()
    def every_move_was_recorded(self) -> None:
        rows = list(Move.objects.filter(video=self.video).values_list("from_state", "to_state"))
        assert rows == [("", "draft"), *pairwise(self.way)]

    @invariant()
    def the_moment_of_publication_is_the_first(self) -> None:
        assert (Video.objects.get(pk=self.video.pk).published_at is not None) is self.was_shown()

    def was_shown(self) -> bool:
        return any(state in PUBLIC for state in self.way)


@pytest.mark.django_db
def test_random_lives_keep_to_the_table() -> None:
    programme = settings(max_examples=15, stateful_step_count=20, deadline=None)
    run_state_machine_as_test(Life, settings=programme)  # type: ignore[no-untyped-call]
