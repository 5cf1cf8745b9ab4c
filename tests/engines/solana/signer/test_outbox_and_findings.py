"""What the rest of the house hears: every change of a job, at least once and in order, and what somebody should look at."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from prometheus_client import CollectorRegistry, generate_latest

from mutoscope.engines.solana.chain import LAMPORTS_PER_SOL
from mutoscope.engines.solana.keys import write_new_key
from mutoscope.engines.solana.signer import outbox
from mutoscope.engines.solana.signer.findings import SignerCollector, condition, findings
from mutoscope.engines.solana.signer.outbox import JobNews
from mutoscope.engines.solana.signer.process import Signer
from mutoscope.engines.solana.signer.requests import request_sweep
from mutoscope.engines.solana.signer.vault import VaultRefused
from tests.engines.solana.signer.house import FEE_LAMPORTS, House


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


def doctor() -> str:
    out = io.StringIO()
    with contextlib.suppress(CommandError):
        call_command("solana", "doctor", stdout=out, no_color=True)
    return out.getvalue()


@pytest.fixture
def no_nodes(settings: Any) -> None:
    settings.MUTOSCOPE_SOLANA = {"RPC": [], "CLUSTER": "sandbox", "WALLETS": "mutoscope.engines.solana.wallets.claim"}


def test_the_doctor_asks_for_a_signer_only_where_one_is_needed(no_nodes: None, house: House, settings: Any) -> None:
    assert "signer" not in doctor()
    settings.MUTOSCOPE_SOLANA = {**settings.MUTOSCOPE_SOLANA, "RECEIVE_BY": "wallet"}
    assert "signer_never_ran" in doctor()
    settings.MUTOSCOPE_SOLANA = {**settings.MUTOSCOPE_SOLANA, "RECEIVE_BY": "reference"}
    request_sweep(house.wallet("order-1", lamports=LAMPORTS_PER_SOL))
    said = doctor()
    assert re.search(r"signer: never heard of, 1 job waits, the oldest for \d+ s", said)
    assert "signer_never_ran" in said


def test_the_doctor_tells_of_a_signer_that_is_silent_and_of_an_empty_fee_account(
    no_nodes: None, open_house: Callable[..., House]
) -> None:
    house = open_house(fee_account_low_lamports=100 * LAMPORTS_PER_SOL)
    house.signer.tick()
    said = doctor()
    assert re.search(r"signer: heard of \d+ s ago, no job waits", said)
    assert f"fee_account_low: The fee account {house.fee} has {FEE_LAMPORTS} lamports" in said
    with connection.cursor() as cursor:
        cursor.execute("UPDATE solana_signer_report SET beat_at = now() - interval '5 minutes'")
    assert "signer_silent: The signer has not been heard of for " in doctor()


def test_a_signer_with_another_sites_key_holds_nobody_back_and_speaks_over_nobody(house: House, tmp_path: Path) -> None:
    house.signer.tick()
    other = write_new_key(tmp_path / "other")
    changed = replace(house.configuration, key_encryption_keys=(f"file:{other.path}",))
    wrong = Signer(changed, house.nodes)
    waiting = threading.Event()
    turns: list[float | None] = []

    def turn(seconds: float | None = None) -> bool:
        turns.append(seconds)
        if len(turns) == 3:
            waiting.set()
        return waiting.is_set()

    job = request_sweep(house.wallet("order-1", lamports=LAMPORTS_PER_SOL))
    waiting.wait = turn  # type: ignore[method-assign]
    wrong.run(waiting)
    assert wrong._trouble.startswith("VaultRefused: No key-encryption key at hand")
    now = condition()
    assert (now.trouble, now.fee_address, now.payout_address) == ("", house.fee, house.payout)
    house.settle(job)
    assert job.state == "settled"
    # Alone for half a minute it is heard, and the addresses stay known.
    with connection.cursor() as cursor:
        cursor.execute("UPDATE solana_signer_report SET beat_at = now() - interval '31 seconds'")
    turns.clear()
    waiting.clear()
    wrong = Signer(changed, house.nodes)
    wrong.run(waiting)
    assert "signer_in_trouble" in [finding.name for finding in findings()]
    assert condition().fee_address == house.fee
    house.signer.tick()
    assert condition().trouble == ""
    wrong.close()


def test_a_signer_with_another_key_that_fills_the_pool_holds_no_lock(house: House, tmp_path: Path) -> None:
    other = write_new_key(tmp_path / "other")
    changed = replace(house.configuration, key_encryption_keys=(f"file:{other.path}",), pool_target=50)
    wrong = Signer(changed, house.nodes)
    with pytest.raises(VaultRefused):
        wrong.tick()
    assert house.signer.seeds.fill_pool(21) == 1
    wrong.close()


def test_a_signer_in_trouble_says_why_in_its_line(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.node.broken_for("getGenesisHash")
    stop = threading.Event()
    wait = stop.wait
    stop.wait = lambda seconds=None: stop.set() or wait(0)  # type: ignore[method-assign,func-returns-value]
    house.signer.run(stop)
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert line.startswith(
        "the signer cannot work, nothing is signed. ChainUnavailable: the node: genesis: TimeoutError"
    )
