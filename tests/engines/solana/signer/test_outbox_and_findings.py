"""What the rest of the house hears: every change of a job, at least once and in order, and what somebody should look at."""

from __future__ import annotations

import pytest
from django.db import connection
from prometheus_client import CollectorRegistry, generate_latest

from mutoscope.engines.solana.chain import LAMPORTS_PER_SOL
from mutoscope.engines.solana.signer import outbox
from mutoscope.engines.solana.signer.findings import SignerCollector, findings
from mutoscope.engines.solana.signer.outbox import JobNews
from mutoscope.engines.solana.signer.requests import request_sweep
from tests.engines.solana.signer.house import House


def test_news_of_a_job_comes_in_order_and_once_more_when_its_handler_fails(house: House) -> None:
    job = request_sweep(house.wallet("order-1", lamports=LAMPORTS_PER_SOL))
    house.settle(job)
    heard: list[JobNews] = []

    def forgetful(news: JobNews) -> None:
        heard.append(news)
        if len(heard) == 2:
            raise RuntimeError("the first time")

    with pytest.raises(RuntimeError):
        outbox.deliver(forgetful)
    assert outbox.deliver(heard.append) == outbox.deliver(heard.append) + len(heard) - 2
    states = [news.state for news in heard]
    assert states[1] == states[2], "what failed came again"
    assert (states[0], states[-1]) == ("signed", "settled")
    assert {news.key for news in heard} == {job.key}
    assert heard[-1].signature == job.signature
    assert outbox.waiting() == 0


def test_what_the_handler_writes_commits_with_the_delivery(house: House) -> None:
    house.settle(request_sweep(house.wallet("order-1", lamports=LAMPORTS_PER_SOL)))
    before = outbox.waiting()

    def writes_and_fails(news: JobNews) -> None:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE scratch (id int)")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        outbox.deliver(writes_and_fails)
    assert outbox.waiting() == before
    assert "scratch" not in connection.introspection.table_names()


def test_findings_tell_a_signer_that_never_ran_is_silent_or_in_trouble(house: House) -> None:
    assert [finding.name for finding in findings()] == ["signer_never_ran"]
    house.signer.tick()
    assert findings() == []
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE solana_signer_report SET beat_at = now() - interval '5 minutes', trouble = 'no node answers'"
        )
        cursor.execute("UPDATE solana_wallet SET withdrawn_at = now() WHERE index > 2")
    assert {finding.name for finding in findings()} == {"signer_silent", "signer_in_trouble", "wallet_pool_low"}


def test_the_figures_are_there_for_prometheus(house: House) -> None:
    house.settle(request_sweep(house.wallet("order-1", lamports=LAMPORTS_PER_SOL)))
    registry = CollectorRegistry()
    registry.register(SignerCollector())
    text = generate_latest(registry).decode()
    for line in (
        "solana_fee_account_low 0.0",
        "solana_wallets_free ",
        'solana_signer_jobs{kind="sweep",state="settled"} 1.0',
    ):
        assert line in text
