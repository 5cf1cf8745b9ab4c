"""Delivery over a real SMTP server: sent, postponed, given up, and never twice at once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.core.mail import send_mail
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone
from pydantic import SecretStr

from mutoscope.platform.support.mail import delivery
from mutoscope.platform.support.mail.delivery import ATTEMPTS_MAX, BACKOFF_MAX_S, backoff_s
from mutoscope.platform.support.mail.smtp import SmtpServer
from mutoscope.platform.support.models import Mail
from mutoscope.platform.support.public import deliver_waiting

# Without a transaction around each test, as the worker runs it.
pytestmark = pytest.mark.django_db(transaction=True)


class MailServer:
    """What the server answers can be set for a recipient; what it took is kept."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.answers: dict[str, str] = {}
        self.pause_s = 0.0

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(self.pause_s)
        self.taken.append(envelope)
        return "250 OK"


@pytest.fixture
def mail_server(settings: Any) -> Iterator[MailServer]:
    settings.EMAIL_BACKEND = "mutoscope.platform.support.mail.backend.OutboxBackend"
    handler = MailServer()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    listening = asyncio.run_coroutine_threadsafe(
        loop.create_server(lambda: SMTP(handler, loop=loop), "127.0.0.1", 0), loop
    ).result()
    settings.MAIL_URL = SecretStr(f"smtp://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
    yield handler
    loop.call_soon_threadsafe(listening.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def write(*recipients: str) -> None:
    for recipient in recipients or ("a@example.org",):
        send_mail(f"To {recipient}", "A link that signs you in", "no-reply@example.org", [recipient])


def test_what_waits_is_sent_once_and_its_content_erased(mail_server: MailServer) -> None:
    write("a@example.org", "b@example.org")
    assert deliver_waiting(10) == 2
    assert deliver_waiting(10) == 0
    assert sorted(envelope.rcpt_tos[0] for envelope in mail_server.taken) == ["a@example.org", "b@example.org"]
    assert b"A link that signs you in" in (mail_server.taken[0].original_content or b"")
    for mail in Mail.objects.all():
        assert (mail.state, mail.text, bytes(mail.message), mail.attempts) == ("sent", "", b"", 1)
        assert mail.ended_at is not None


def test_no_more_than_the_limit_is_sent(mail_server: MailServer) -> None:
    write("a@example.org", "b@example.org", "c@example.org")
    assert deliver_waiting(2) == 2
    assert Mail.objects.filter(state="waiting", attempts=0, leased_until=None).count() == 1


def test_a_refusal_for_ever_is_a_dead_letter_and_does_not_stop_the_others(mail_server: MailServer) -> None:
    mail_server.answers["gone@example.org"] = "550 no such mailbox"
    write("gone@example.org", "b@example.org")
    assert deliver_waiting(10) == 1
    dead = Mail.objects.get(state="dead")
    assert dead.recipients == ["gone@example.org"]
    assert "550 no such mailbox" in dead.last_error
    assert dead.text


def test_try_later_is_tried_later(mail_server: MailServer) -> None:
    mail_server.answers["busy@example.org"] = "451 try again later"
    write("busy@example.org")
    assert deliver_waiting(10) == 0
    mail = Mail.objects.get()
    assert (mail.state, mail.attempts, mail.leased_until) == ("waiting", 1, None)
    assert timedelta(seconds=20) < mail.due_at - timezone.now() < timedelta(seconds=40)
    assert deliver_waiting(10) == 0, "it is not due yet"
    mail_server.answers.clear()
    Mail.objects.update(due_at=timezone.now())
    assert deliver_waiting(10) == 1


def test_no_server_postpones_and_the_last_attempt_gives_up(settings: Any) -> None:
    settings.EMAIL_BACKEND = "mutoscope.platform.support.mail.backend.OutboxBackend"
    settings.MAIL_URL = SecretStr("smtp://127.0.0.1:1")
    write()
    assert deliver_waiting(10) == 0
    assert "no connection to 127.0.0.1:1" in Mail.objects.get().last_error
    Mail.objects.update(due_at=timezone.now(), attempts=ATTEMPTS_MAX - 1)
    assert deliver_waiting(10) == 0
    assert Mail.objects.get().state == "dead"


def test_a_worker_that_died_leaves_a_lease_that_runs_out(mail_server: MailServer) -> None:
    write()
    Mail.objects.update(attempts=1, leased_until=timezone.now() + timedelta(minutes=1))
    assert deliver_waiting(10) == 0
    Mail.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert deliver_waiting(10) == 1


def test_a_mail_whose_last_worker_died_is_given_up(mail_server: MailServer) -> None:
    write()
    Mail.objects.update(attempts=ATTEMPTS_MAX, leased_until=timezone.now() - timedelta(seconds=1))
    assert deliver_waiting(10) == 0
    assert Mail.objects.get().state == "dead"


def test_two_workers_at_once_send_each_mail_once_and_hold_no_locks(mail_server: MailServer) -> None:
    mail_server.pause_s = 0.02
    write(*(f"{number}@example.org" for number in range(12)))
    sent: list[int] = []

    def work() -> None:
        try:
            sent.append(deliver_waiting(8))
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    # Each has its share before the rows are locked here: a lease passes over rows that somebody else holds.
    deadline = time.monotonic() + 30
    while Mail.objects.filter(state="waiting", leased_until=None).exists() and time.monotonic() < deadline:
        time.sleep(0.001)
    # While mail is on its way its rows can be locked by anybody: no lock is held across SMTP.
    with transaction.atomic():
        assert len(Mail.objects.select_for_update(nowait=True)) == 12
    for worker in workers:
        worker.join()
    assert sum(sent) == 12
    assert len({envelope.rcpt_tos[0] for envelope in mail_server.taken}) == len(mail_server.taken) == 12


def test_it_refuses_to_run_in_a_transaction(mail_server: MailServer) -> None:
    with pytest.raises(RuntimeError, match="must not run in a transaction"), transaction.atomic():
        deliver_waiting()


def test_the_command_sends_what_waits(mail_server: MailServer, capsys: pytest.CaptureFixture[str]) -> None:
    write("a@example.org", "b@example.org")
    call_command("deliver_mail")
    assert capsys.readouterr().out == "2 sent\n"


def test_without_a_mail_server_nothing_leaves(settings: Any) -> None:
    settings.MAIL_URL = None
    assert deliver_waiting() == 0


def test_a_batch_that_takes_too_long_is_given_back(mail_server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    write("a@example.org", "b@example.org")
    monkeypatch.setattr(delivery, "LEASE_MARGIN_S", delivery.LEASE_S + 1)
    assert deliver_waiting(10) == 0
    assert Mail.objects.filter(attempts=0, leased_until=None).count() == 2


def test_waiting_doubles_up_to_six_hours() -> None:
    assert [backoff_s(attempt) for attempt in (1, 2, 3)] == [30, 60, 120]
    assert backoff_s(ATTEMPTS_MAX) == BACKOFF_MAX_S


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example.org", SmtpServer("mail.example.org", 25, "smtp")),
        ("smtp+tls://u%40x:p%3Aw@mail.example.org", SmtpServer("mail.example.org", 587, "smtp+tls", "u@x", "p:w")),
        ("smtps://u:p@mail.example.org:4465", SmtpServer("mail.example.org", 4465, "smtps", "u", "p")),
    ],
)
def test_mail_urls(url: str, server: SmtpServer) -> None:
    assert SmtpServer.from_url(url) == server
    assert "p:w" not in repr(SmtpServer.from_url(url))
