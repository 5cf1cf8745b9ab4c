"""`mutoscope chain`: the sandbox chain, served until stopped, and its faucet."""

from __future__ import annotations

import json
import signal
import sys
import threading
import urllib.error
import urllib.request
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import FrameType

from mutoscope.cli.complaint import Complaint, SettingsComplaint
from mutoscope.cli.notify import say_ready
from mutoscope.cli.parent import stop_with_supervisor
from mutoscope.web.environment import Environment, home_directory, read_environment

DECIMALS = {"SOL": 9, "USDC": 6, "FEE": 6}
ANSWER_TIMEOUT_S = 30


def folder(environment: Environment) -> Path:
    """Where the chain keeps its state."""
    return home_directory(environment) / "chain"


def serve(port: int | None, slot_ms: int, confirmed_after: int, finalized_after: int, *, takes_orders: bool) -> None:
    """Serve until SIGTERM or SIGINT. Raises SettingsComplaint in production."""
    from mutoscope.engines.solana.chain import Pace, SandboxChain
    from mutoscope.engines.solana.chain.store import ChainInUse

    stop_with_supervisor()
    environment = read_environment()
    _refuse_production(environment)
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, stop)
    try:
        chain = SandboxChain(
            folder(environment),
            pace=Pace(slot_ms=slot_ms, confirmed_after=confirmed_after, finalized_after=finalized_after),
            ticking=True,
            port=port or environment.chain_port,
            admin=takes_orders,
        )
    except ChainInUse as error:
        raise Complaint(f"{error}. Stop that one, or set MUTOSCOPE_HOME to another folder.") from None
    try:
        chain.start()
    except OSError as error:
        raise Complaint(
            f"{error}: it may be taken. Choose another: MUTOSCOPE_CHAIN_PORT={chain.server.port + 1}"
        ) from None
    sys.stdout.write(f"The sandbox chain answers at {chain.url}/ (play money). Ctrl-C stops it.\n")
    sys.stdout.flush()
    say_ready()
    stopped.wait()
    chain.stop()


def give(address: str, amount: str, token: str) -> str:
    """Ask the running chain's faucet. Returns a sentence with the signature. Raises Complaint."""
    environment = read_environment()
    _refuse_production(environment)
    symbol = token.upper()
    if symbol not in DECIMALS:
        raise SettingsComplaint(f"--token {token}: the sandbox chain has {', '.join(DECIMALS)}.")
    try:
        units = Decimal(amount).scaleb(DECIMALS[symbol])
    except InvalidOperation:
        raise SettingsComplaint(
            f"{amount} is not an amount. For example: mutoscope chain faucet {address} 1.5"
        ) from None
    if not units.is_finite() or units != units.to_integral_value() or units <= 0:
        raise SettingsComplaint(f"{amount} {symbol}: more than 0, with at most {DECIMALS[symbol]} decimals.")
    body = json.dumps({"address": address, "amount": int(units), "token": symbol}).encode()
    request = urllib.request.Request(  # noqa: S310 - our own port
        f"{environment.chain_url}/faucet", data=body, headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_TIMEOUT_S) as answer:  # noqa: S310 - our own port
            signature = json.load(answer)["signature"]
    except urllib.error.HTTPError as error:
        with error:
            refusal = json.loads(error.read() or b"{}")
        raise Complaint(f"{refusal.get('field', 'faucet')}: {refusal.get('problem', error.reason)}") from None
    except OSError:
        raise Complaint(
            f"no sandbox chain answers at {environment.chain_url}. Start it: mutoscope up, or mutoscope chain"
        ) from None
    return f"{address} has {amount} {symbol} more: {signature}"


def _refuse_production(environment: Environment) -> None:
    if environment.is_production:
        raise SettingsComplaint(
            "the sandbox chain holds play money and is refused in production. Unset MUTOSCOPE_MODE to play."
        )
