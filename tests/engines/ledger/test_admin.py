"""The ledger's pages in the admin: to look at, and nothing else."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from mutoscope.engines.ledger.models import Seal
from tests.engines.ledger.books import Books
from tests.people import make_person

pytestmark = pytest.mark.django_db
PAGES = ("account", "transfer", "seal")


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(make_person("olive", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def books() -> Books:
    books = Books.open(100)
    books.ledger.post(books.unlock(30))
    books.ledger.hold(books.unlock(20))
    return books


@pytest.mark.parametrize("page", PAGES)
def test_every_list_shows(operator: Client, books: Books, page: str) -> None:
    assert operator.get(reverse(f"admin:ledger_{page}_changelist")).status_code == 200


def test_an_account_shows_what_it_holds_and_its_statement(operator: Client, books: Books) -> None:
    page = operator.get(reverse("admin:ledger_account_change", args=[books.viewer.id]))
    assert page.status_code == 200
    text = page.content.decode()
    assert "70 posted, 20 held, 50 available" in text
    assert '<td align="right">-30</td><td align="right">70</td>' in text


def test_a_long_statement_goes_on_where_its_page_ends(
    operator: Client, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mutoscope.engines.ledger.admin.LINES_SHOWN", 2)
    books.ledger.post(books.unlock(5))
    address = reverse("admin:ledger_account_change", args=[books.viewer.id])
    first = operator.get(address).content.decode()
    assert first.count("unlock:") == 1
    link = re.search(r'href="(\?after=\d+)"', first)
    assert link is not None
    second = operator.get(address + link[1]).content.decode()
    assert '<td align="right">-5</td><td align="right">65</td>' in second
    assert "after=" not in second
    assert operator.get(address + "?after=one").status_code == 200


def test_an_account_without_transfers_says_so(operator: Client, books: Books) -> None:
    empty = Books.open(0)
    page = operator.get(reverse("admin:ledger_account_change", args=[empty.viewer.id]))
    assert "Nothing was posted here yet." in page.content.decode()


def test_a_transfer_shows_its_legs(operator: Client, books: Books) -> None:
    receipt = books.ledger.post(unlock := books.unlock(10))
    page = operator.get(reverse("admin:ledger_transfer_change", args=[receipt.transfer_id]))
    assert page.status_code == 200
    text = page.content.decode()
    assert unlock.key in text
    assert reverse("admin:ledger_account_change", args=[books.viewer.id]) in text
    assert '<td align="right">-10</td>' in text
    found = operator.get(reverse("admin:ledger_transfer_changelist"), {"q": unlock.key})
    assert found.status_code == 200
    assert unlock.key in found.content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_nothing_can_be_added(operator: Client, page: str) -> None:
    address = reverse(f"admin:ledger_{page}_add")
    assert operator.get(address).status_code == 403
    assert operator.post(address, {}).status_code == 403


@pytest.mark.parametrize("page", ["account", "transfer"])
def test_nothing_can_be_changed_or_deleted(operator: Client, books: Books, page: str) -> None:
    receipt = books.ledger.post(books.unlock(10))
    number = books.viewer.id if page == "account" else receipt.transfer_id
    before = books.ledger.balance(books.viewer)
    change = reverse(f"admin:ledger_{page}_change", args=[number])
    assert operator.post(change, {"owner": "me", "amounts": "1,2"}).status_code == 403
    delete = reverse(f"admin:ledger_{page}_delete", args=[number])
    assert operator.get(delete).status_code == 403
    assert operator.post(delete, {"post": "yes"}).status_code == 403
    listed = reverse(f"admin:ledger_{page}_changelist")
    operator.post(listed, {"action": "delete_selected", "_selected_action": [number], "post": "yes"})
    assert books.ledger.balance(books.viewer) == before
    assert books.ledger.find_account(books.viewer.owner, "viewer", "PTS") == books.viewer


def test_a_seal_can_be_looked_at_and_nothing_else(operator: Client) -> None:
    seal = Seal.objects.order_by("number").first()
    if seal is not None:
        assert operator.get(reverse("admin:ledger_seal_change", args=[seal.number])).status_code == 200
        assert operator.post(reverse("admin:ledger_seal_change", args=[seal.number]), {}).status_code == 403


def test_people_who_are_not_staff_see_none_of_it(client: Client, books: Books) -> None:
    client.force_login(make_person("pete"))
    for page in PAGES:
        assert client.get(reverse(f"admin:ledger_{page}_changelist")).status_code in (302, 403, 404)
