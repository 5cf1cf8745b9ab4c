"""A watcher that hangs, was killed or never started is told of; one that was stopped with nothing to do is not."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest

from mutoscope.engines.solana.models import Lease, WatchedAccount
from mutoscope.engines.solana.rpc.client import forget_default_rpc
from mutoscope.engines.solana.watcher.findings import WatcherCollector, watcher_findings
from mutoscope.engines.solana.watcher.leading import Leadership
from mutoscope.engines.solana.watcher.watcher import Watcher
from tests.engines.solana.payments.shop import SOL, Shop


def names() -> list[str]:
    return [finding.name for finding in watcher_findings()]


def hang_for(seconds: int) -> None:
    """As if the process of whoever leads had been stopped that long ago."""
    Lease.objects.update(until=timezone.now() - timedelta(seconds=seconds - 30))


def test_a_watcher_that_hangs_is_found_by_the_doctor_and_by_metrics(shop: Shop) -> None:
    assert names() == []
    Leadership().take()
    assert names() == []
    hang_for(200)
    assert names() == ["watcher_silent"]
    registry = CollectorRegistry()
    registry.register(WatcherCollector())
    (line,) = [line for line in generate_latest(registry).decode().splitlines() if line.startswith("solana_watcher")]
    name, value = line.split()
    assert name == "solana_watcher_silent_seconds"
    assert 200 <= float(value) < 300
    forget_default_rpc()
    said = io.StringIO()
    with pytest.raises(CommandError, match="1 problem"):
        call_command("solana", "doctor", stdout=said, no_color=True)
    assert "watcher_silent: The watcher has not been heard of for 200 s" in said.getvalue()


def test_whoever_takes_over_ends_the_silence(shop: Shop) -> None:
    Leadership().take()
    hang_for(200)
    Leadership().take()
    assert names() == []


def test_without_a_watcher_it_is_told_only_where_looks_are_due(shop: Shop) -> None:
    shop.offer({SOL: 10_000_000})
    assert names() == []
    WatchedAccount.objects.update(next_look_at=timezone.now() - timedelta(minutes=5))
    assert names() == ["watcher_not_running"]
    shop.look()
    assert names() == []


def test_a_watcher_that_is_told_to_stop_leaves_nothing_to_complain_of(shop: Shop) -> None:
    leadership = Leadership()
    leadership.take()
    leadership.give_up()
    assert names() == []


def test_a_long_audit_does_not_look_like_a_watcher_that_hangs(shop: Shop) -> None:
    shop.offer({SOL: 10_000_000})
    leadership = Leadership()
    leadership.take()
    hang_for(200)
    with Watcher(shop.rpc) as watcher:
        watcher.audit(leadership.take)
    assert names() == []
