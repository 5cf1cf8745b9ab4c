"""Points that the house gives, from the operator's page."""

from __future__ import annotations

import pytest
from django.test import Client

from mutoscope.platform.accounts.public import Person
from mutoscope.platform.billing import books
from mutoscope.platform.billing.failures import Unacceptable
from mutoscope.platform.billing.models import Grant
from mutoscope.platform.billing.packs.service import GrantPoints, GrantPointsInputs
from tests.people import make_person

pytestmark = pytest.mark.django_db
ADD = "/operator/billing/grant/add/"


@pytest.fixture
def boss() -> Person:
    return make_person("boss", is_staff=True, is_superuser=True)


@pytest.fixture
def page(boss: Person) -> Client:
    client = Client()
    client.force_login(boss)
    return client


def asked(**changed: str) -> dict[str, str]:
    return {"person": "nora", "points": "50", "reason": "The sound was missing.", "key": "a", **changed}


def test_points_are_given_once_however_often_the_form_comes(page: Client, boss: Person) -> None:
    nora = make_person("nora")
    for _ in range(2):
        assert page.post(ADD, asked()).status_code == 302
    grant = Grant.objects.get()
    assert (grant.person, grant.by, grant.points, books.points_of(nora.pk)) == (nora, boss, 50, 50)
    listed = page.get("/operator/billing/grant/").content.decode()
    assert "The sound was missing." in listed


def test_a_name_is_found_however_it_is_spelt(page: Client) -> None:
    nora = make_person("nora")
    assert page.post(ADD, asked(person=" @Nora ")).status_code == 302
    assert books.points_of(nora.pk) == 50


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"person": "nobody"}, "Nobody has this name."),
        ({"person": "boss"}, "Nobody gives themselves points."),
        ({"points": "-5"}, "whole number"),
        ({"points": "1.5"}, "whole"),
        ({"points": "9999999999"}, "1,000,000"),
        ({"reason": "   "}, "This field is required."),
    ],
)
def test_what_is_wrong_is_named_and_gives_nothing(page: Client, wrong: dict[str, str], words: str) -> None:
    nora = make_person("nora")
    answer = page.post(ADD, asked(**wrong))
    assert answer.status_code == 200
    assert set(answer.context["adminform"].form.errors) == set(wrong)
    assert words in answer.content.decode()
    assert (Grant.objects.count(), books.points_of(nora.pk)) == (0, 0)


def test_who_may_only_look_gives_nothing(boss: Person) -> None:
    client = Client()
    client.force_login(make_person("nora"))
    assert client.post(ADD, asked()).status_code in (302, 403, 404)
    assert not Grant.objects.exists()


def test_nobody_gives_themselves(boss: Person) -> None:
    with pytest.raises(Unacceptable):
        GrantPoints().call(GrantPointsInputs(boss.pk, 5, "for me", "key", boss.pk))


def test_a_form_that_was_changed_and_sent_again_says_so_and_gives_nothing_more(page: Client) -> None:
    nora = make_person("nora")
    assert page.post(ADD, asked()).status_code == 302
    again = page.post(ADD, asked(points="500"))
    assert (again.status_code, "was used for another request" in again.content.decode()) == (200, True)
    assert (Grant.objects.count(), books.points_of(nora.pk)) == (1, 50)
