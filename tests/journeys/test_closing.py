"""The story of somebody who leaves, thinks better of it, and leaves after all."""

from __future__ import annotations

import pytest

from mutoscope.platform.accounts.closing.tasks import erase_all
from mutoscope.platform.accounts.models import Person
from mutoscope.platform.videos.domain.life import VideoState
from tests.journeys.visitor import Visitor
from tests.people import PASSWORD, make_channel, make_person
from tests.platform.accounts.closing.leavers import let_two_weeks_pass
from tests.platform.videos.films import new_video

pytestmark = pytest.mark.browser


def test_close_come_back_and_leave_for_good(visitor: Visitor) -> None:
    nora = make_person("nora", password=PASSWORD)
    film = new_video(make_channel(nora, "northlight"), VideoState.PUBLISHED)
    visitor.signs_in("nora", PASSWORD)
    visitor.goto("/account/email/")
    visitor.follow("Close account")
    visitor.sees("1 film of the channel is shown.")
    visitor.look("closing-prevented")
    film.delete()
    visitor.goto("/account/close/")
    visitor.look("closing")
    close(visitor)
    visitor.sees("Your account is closed.")
    visitor.goto("/wallet/")
    visitor.sees_heading("Sign in")

    visitor.signs_in("nora", PASSWORD)
    visitor.sees_heading("Keep your account?")
    visitor.look("closing-keep")
    visitor.press("Keep my account")
    visitor.sees("Your account is as it was.")

    visitor.goto("/account/close/")
    close(visitor)
    visitor.sees("Your account is closed.")
    visitor.expected_statuses = {410}
    visitor.goto("/@northlight")
    visitor.sees_heading("This channel is closed")
    visitor.look("channel-closed")
    let_two_weeks_pass(nora)
    assert erase_all() == 1
    visitor.signs_in("nora", PASSWORD)
    visitor.sees("do not belong together")
    assert Person.objects.get().username == f"closed-account-{nora.pk}"


def test_an_operator_closes_an_account_for_somebody_who_wrote(visitor: Visitor) -> None:
    make_person("nora")
    visitor.becomes(make_person("opal", is_staff=True, is_superuser=True))
    visitor.goto("/operator/accounts/person/")
    visitor.follow("nora")
    visitor.follow("Close this account")
    visitor.look("operator-closing", is_ours=False)
    visitor.fill(reason="Asked by mail on Monday")
    visitor.press("Close this account")
    visitor.sees("The account is closed.")
    visitor.page.get_by_role("link", name="It is erased on").click()
    visitor.sees("Asked by mail on Monday")
    visitor.look("operator-closing-under-way", is_ours=False)


def close(visitor: Visitor) -> None:
    visitor.fill(your_username="nora")
    visitor.press("Close the account")
    # A sign-in alone does not count as having been asked once more.
    visitor.proves_it(PASSWORD)
