"""What goes wrong is said: in the text of a log line, and by a command in one sentence with an exit code."""

from __future__ import annotations

import ast
import io
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from mutoscope.engines.solana.conf import Endpoint, node_name
from mutoscope.engines.solana.management.commands import solana as solana_command
from mutoscope.engines.solana.rpc.client import Rpc
from mutoscope.engines.solana.rpc.limits import OwnPurse
from mutoscope.engines.solana.watcher import watcher as watcher_module
from mutoscope.engines.solana.watcher.watcher import Watcher
from tests.engines.solana.payments.shop import Shop
from tests.plugin import ROOT

ENGINE = ROOT / "src" / "mutoscope" / "engines" / "solana"
LOUD = {"warning", "error", "exception", "critical"}
NOWHERE = "postgresql://nobody:hunter2@127.0.0.1:1/none"


def loud_calls() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted(ENGINE.rglob("*.py")):
        for each in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(each, ast.Call)
                and isinstance(each.func, ast.Attribute)
                and each.func.attr in LOUD
                and isinstance(each.func.value, ast.Name)
                and each.func.value.id in {"log", "logger"}
            ):
                yield f"{path.relative_to(ENGINE)}:{each.lineno}", each


@pytest.mark.parametrize(("place", "call"), [*loud_calls()], ids=[place for place, _ in loud_calls()])
def test_a_loud_line_says_what_and_why_in_its_own_text(place: str, call: ast.Call) -> None:
    text = call.args[0]
    assert isinstance(text, ast.Constant)
    assert isinstance(text.value, str)
    assert "%" in text.value, f"{place}: {text.value!r} says no more to a plain formatter than that something was"
    assert " " in text.value
    assert "extra" in {each.arg for each in call.keywords}


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://user:secret@rpc.example.com/v2/secret?api-key=secret#secret", "rpc.example.com"),
        ("http://127.0.0.1:8899", "127.0.0.1:8899"),
        ("https://rpc.example.com:99999/secret", "a node whose address is none"),
        ("http://[::1", "a node whose address is none"),
        ("secret", "a node whose address is none"),
    ],
)
def test_a_node_is_named_without_what_may_be_a_key(url: str, name: str) -> None:
    assert node_name(url) == name


def unreachable(question: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody is there", request=question)


def elsewhere(question: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"jsonrpc": "2.0", "id": 1, "result": "another network"})


def rpc_to(answer: Any) -> Rpc:
    return Rpc(
        [Endpoint("https://rpc.example.com/secret?key=secret")],
        "our network",
        purse=lambda each: OwnPurse(10**6),
        patience_s=0.0,
        transport=httpx.MockTransport(answer),
    )


def test_a_node_that_fails_is_named_with_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    for answer in (unreachable, elsewhere):
        rpc = rpc_to(answer)
        with pytest.raises(Exception, match=r"rpc\.example\.com"):
            rpc.call("getSlot")
        rpc.close()
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("mutoscope")]
    assert lines == [
        "RPC node rpc.example.com failed: ConnectError",
        "rpc.example.com is on network another network, not our network: it is not asked again",
    ]
    assert "secret" not in caplog.text


@pytest.mark.parametrize("words", [("solana_watch", "--once"), ("solana", "recheck"), ("solana", "audit")])
@pytest.mark.parametrize("answer", [unreachable, elsewhere])
def test_a_command_without_a_chain_says_so_in_a_sentence(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], answer: Any
) -> None:
    shop.offer({"": 10_000_000})
    for module in (watcher_module, solana_command):
        monkeypatch.setattr(module, "default_rpc", lambda: rpc_to(answer))
    with pytest.raises(CommandError, match=r"^The chain does not answer\. .*rpc\.example\.com.*MUTOSCOPE_SOLANA"):
        call_command(*words, stdout=io.StringIO())


def test_the_doctor_lists_nodes_that_answer_nothing_as_problems(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solana_command, "default_rpc", lambda: rpc_to(elsewhere))
    out = io.StringIO()
    with pytest.raises(CommandError, match="2 problems"):
        call_command("solana", "doctor", stdout=out, no_color=True)
    assert "is on network another network" in out.getvalue()


def test_one_problem_is_one_problem(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.usdc.delete()
    monkeypatch.setattr(solana_command, "default_rpc", lambda: rpc_to(elsewhere))
    with pytest.raises(CommandError, match=r"^1 problem$"):
        call_command("solana", "doctor", stdout=io.StringIO(), no_color=True)


@pytest.mark.parametrize(
    "words",
    ["solana_watch --once", "solana doctor", "solana audit", "solana recheck", "solana expire", "signer status"],
)
def test_a_command_without_its_database_says_so_in_a_sentence(words: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MUTOSCOPE_")}
    done = subprocess.run(
        [sys.executable, "-m", "django", *words.split()],
        env=environment
        | {
            "DJANGO_SETTINGS_MODULE": "tests.engines.solana.signer.project",
            "PROJECT_DATABASE_URL": NOWHERE,
            "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    assert "CommandError: The database does not answer: " in done.stderr
    assert "127.0.0.1" in done.stderr
    assert "hunter2" not in done.stderr


def test_the_watcher_says_one_line_while_its_database_is_away(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stop = threading.Event()

    def away(*_: Any) -> bool:
        stop.set()
        raise OperationalError("connection refused\n\tIs the server running?")

    with Watcher(shop.rpc) as watcher:
        monkeypatch.setattr(watcher._leadership, "take", away)
        monkeypatch.setattr(watcher._leadership, "give_up", away)
        monkeypatch.setattr(watcher_module, "close_old_connections", lambda: None)
        watcher.run(stop)
    records = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert {record.getMessage() for record in records} == {
        "the database does not answer, and no payment is seen meanwhile: connection refused Is the server running?"
    }
    assert [record.exc_info for record in records] == [None, None]
