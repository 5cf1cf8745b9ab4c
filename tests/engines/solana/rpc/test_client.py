"""Asking nodes: limits, failover, networks, second opinions."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from mutoscope.engines.solana.chain.faults import Fault
from mutoscope.engines.solana.conf import Endpoint
from mutoscope.engines.solana.models import RpcAllowance
from mutoscope.engines.solana.rpc.client import Rpc
from mutoscope.engines.solana.rpc.errors import NotAgreed, RpcRefused, RpcUnavailable
from mutoscope.engines.solana.rpc.limits import KEPT_S, WINDOW_S, OwnPurse, Permits, SharedPurse
from tests.engines.solana.payments.shop import Shop


@given(
    limit=st.integers(1, 200),
    waits=st.lists(st.floats(0, 3), min_size=50, max_size=150),
    at_once=st.integers(1, 30),
    processes=st.integers(1, 3),
)
def test_no_ten_seconds_hold_more_calls_than_the_limit(
    limit: int, waits: list[float], at_once: int, processes: int
) -> None:
    """Whatever the pattern of asking, for all processes together, on a clock of the test's own."""
    now = 0.0
    purse = OwnPurse(limit, clock=lambda: now)
    permits = [Permits(purse, at_once, clock=lambda: now) for _ in range(processes)]
    taken: list[float] = []
    for number, wait in enumerate(waits):
        for permit in permits:
            while permit.take() == 0.0:
                taken.append(now)
                if number % 3:
                    break
        now += wait * wait / 3
    # Of any `limit + 1` calls in a row, the last comes at least ten seconds after the first.
    assert all(later - earlier >= WINDOW_S - 1e-9 for earlier, later in zip(taken, taken[limit:], strict=False))
    assert KEPT_S < WINDOW_S


@pytest.mark.django_db(transaction=True)
def test_processes_share_one_bucket() -> None:
    one, two = (SharedPurse("https://rpc.example.com/?key=secret", 40) for _ in range(2))
    granted = sum(purse.draw(15)[0] for purse in (one, two, one, two))
    assert granted <= 20
    # By its hash alone: what other tests asked of other nodes may lie beside it.
    row = RpcAllowance.objects.filter(node=one.node).values().get()
    assert "secret" not in str(row)


@pytest.mark.django_db(transaction=True)
def test_asking_for_permits_leaves_no_connection_behind() -> None:
    """One that stays would keep a test database from being dropped."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with connection.cursor() as cursor:
        cursor.execute(others)
        before = cursor.fetchone()
        rpc = Rpc([Endpoint("https://rpc.example.com/", 40)], "any")
        assert rpc.nodes[0].permits.take() == 0.0
        # The server notices the end of a connection a moment later.
        for _ in range(100):
            cursor.execute("SELECT pg_sleep(0.05)")
            cursor.execute(others)
            if (after := cursor.fetchone()) == before:
                break
        assert after == before


def test_while_the_bucket_is_empty_it_is_not_asked_again() -> None:
    now = 0.0
    draws = 0

    class Counting(OwnPurse):
        def draw(self, wanted: int) -> tuple[int, float]:
            nonlocal draws
            draws += 1
            return super().draw(wanted)

    permits = Permits(Counting(2, clock=lambda: now), 1, clock=lambda: now)
    assert permits.take() == 0.0
    waits = [permits.take() for _ in range(5)]
    assert draws == 2
    assert len(set(waits)) == 1
    now = waits[0] + 0.001
    assert permits.take() == 0.0


def test_the_next_node_answers_where_one_fails(shop: Shop) -> None:
    first, second = shop.chain.node("first"), shop.chain.node("second")
    rpc = shop.new_rpc([first.url, second.url])
    for fault in (Fault.BROKEN, Fault.RATE_LIMIT):
        first.faults.add(fault, "getSlot", seconds=30)
        assert rpc.ask("getSlot").node is rpc.nodes[1]
        assert rpc.nodes[0].paused_until > 0
        rpc.nodes[0].paused_until = 0.0
        first.faults.clear()
    assert rpc.ask("getSlot").node is rpc.nodes[0]
    rpc.close()


def test_a_wrong_question_is_not_asked_twice(shop: Shop) -> None:
    first, second = shop.chain.node("first"), shop.chain.node("second")
    rpc = shop.new_rpc([first.url, second.url])
    with pytest.raises(RpcRefused):
        rpc.call("getBalance", "no address")
    assert rpc.calls["getBalance"] == 1
    rpc.close()


def test_what_must_not_be_sent_twice_is_asked_once(shop: Shop) -> None:
    first, second = shop.chain.node("first"), shop.chain.node("second")
    rpc = shop.new_rpc([first.url, second.url])
    first.faults.add(Fault.BROKEN, "sendTransaction")
    with pytest.raises(RpcUnavailable):
        rpc.call("sendTransaction", "x", once=True)
    assert rpc.calls["sendTransaction"] == 1
    rpc.close()


def test_a_node_of_another_network_is_left_out_and_the_other_asked(shop: Shop) -> None:
    genesis = str(shop.chain.bank.genesis_hash)
    with_other = [Endpoint(shop.chain.node("other").url), Endpoint(shop.chain.url)]
    rpc = Rpc(with_other, genesis, purse=lambda each: OwnPurse(10**6))
    rpc.nodes[0].is_checked, rpc.nodes[0].is_banned = True, True
    assert rpc.ask("getSlot").node is rpc.nodes[1]
    rpc.close()


def test_a_second_opinion_needs_a_second_node(shop: Shop) -> None:
    answer = shop.rpc.ask("getGenesisHash")
    with pytest.raises(NotAgreed):
        shop.rpc.second_opinion(answer, str, "getGenesisHash")
    rpc = shop.new_rpc([shop.chain.url, shop.chain.node("second").url])
    rpc.second_opinion(rpc.ask("getGenesisHash"), str, "getGenesisHash")
    rpc.close()


def unreachable(question: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody is there", request=question)


def elsewhere(question: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "result": "another network"})


@pytest.mark.parametrize(
    ("nodes", "answer", "reason"),
    [
        ([], elsewhere, r'no node is configured: see MUTOSCOPE_SOLANA\["RPC"\]'),
        (["https://rpc.example.com/key"], unreachable, "getSlot: rpc.example.com: ConnectError"),
        (
            ["https://rpc.example.com/key"],
            elsewhere,
            "no node is left to ask; rpc.example.com is on network another network",
        ),
    ],
    ids=["none", "unreachable", "of another network"],
)
def test_who_gets_no_answer_is_told_why(
    nodes: list[str], answer: Callable[[httpx.Request], httpx.Response], reason: str
) -> None:
    rpc = Rpc(
        [Endpoint(url) for url in nodes],
        "our network",
        purse=lambda each: OwnPurse(10**6),
        patience_s=0.0,
        transport=httpx.MockTransport(answer),
    )
    with pytest.raises(RpcUnavailable, match=reason) as refused:
        rpc.call("getSlot")
    assert "/key" not in str(refused.value)
    rpc.close()
