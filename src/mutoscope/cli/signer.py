"""The signer: the engine's, told to end with whoever supervises it. In the sandbox it gets keys, a configuration and play money by itself."""

from __future__ import annotations

import contextlib
import json
import os
import tomllib
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management import ManagementUtility

from mutoscope.cli.complaint import Complaint
from mutoscope.cli.database import database_running
from mutoscope.cli.notify import say_ready_at
from mutoscope.cli.parent import is_supervised, stop_with_supervisor
from mutoscope.cli.tables import require_current_tables
from mutoscope.engines.solana.signals import signer_started
from mutoscope.web.environment import read_environment

if TYPE_CHECKING:
    from mutoscope.engines.solana.signer.seeds import Seeds

FEE_LAMPORTS, PAYOUT_LAMPORTS, PAYOUT_USDC = 10 * 10**9, 100 * 10**9, 10_000 * 10**6
# Of play money: as much as anybody likes.
CAP = 10**15
PLAY_HEAD = "# Made for the sandbox: play money only. docs/keys.md has the one for real money."
PLAY_SWITCHES = {"refund_elsewhere": True, "refund_unlisted": True}
ANSWER_TIMEOUT_S = 5.0
WITHOUT_DATABASE = {"new-key", "--help", "-h"}
WITH_CURRENT_TABLES = {"run", "init", "rotate-kek", "rotate-data-keys", "rotate-seed", "restore"}


def run(arguments: list[str]) -> None:
    """Run the signer, or one of its actions. `arguments` are those of the engine's `signer` command."""
    # Before the settings are read: the keys that films are sealed under are none of its business.
    os.environ["MUTOSCOPE_ROLE"] = "signer"
    stop_with_supervisor()
    environment = read_environment()
    say_ready_at(signer_started)
    # Whoever supervises has started the database, looked at its tables, and prepared for play.
    wants_database = not is_supervised() and not WITHOUT_DATABASE.intersection(arguments)
    with database_running() if wants_database else contextlib.nullcontext():
        if wants_database and (not arguments or arguments[0] in WITH_CURRENT_TABLES):
            require_current_tables()
        if not is_supervised() and not environment.is_production and arguments in ([], ["run"]):
            prepare_play()
        ManagementUtility(["mutoscope", "signer", *arguments]).execute()


def prepare_play() -> None:
    """Key, seeds and configuration in the sandbox's own folder, where there is no configuration yet."""
    import django
    from django.conf import settings

    from mutoscope.engines.solana.chain import TEST_TOKENS
    from mutoscope.engines.solana.keys import write_new_key

    django.setup()
    file: Path = settings.SOLANA_SIGNER_CONFIGURATION
    if file.exists():
        _catch_up(file)
        return
    folder = file.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        write_new_key(folder / "kek")
    seeds = _seeds(folder)
    if not seeds.is_initialized():
        seeds.initialize()
    # What is swept is what payouts are made from: the play money goes round.
    payout = seeds.operator().payout.address
    tokens: list[dict[str, Any]] = [{"name": "SOL"}]
    for token in TEST_TOKENS.values():
        program = "token-2022" if token.fee_basis_points else "token"
        tokens.append({"name": token.symbol, "mint": str(token.mint), "program": program, "decimals": token.decimals})
    caps = {f"{kind}{span}_max": CAP for kind in ("sweep", "refund", "payout") for span in ("", "_day")}
    entries = {
        "rpc": [read_environment().chain_url],
        "key_encryption_keys": [f"file:{folder / 'kek'}"],
        "state": str(folder / "state"),
        "pool_target": 500,
        "pool_low_water": 50,
        **PLAY_SWITCHES,
    }
    lines = [PLAY_HEAD, *_toml(entries)]
    for each in tokens:
        lines += ["", "[[token]]", *_toml(each | {"sweep_to": payout} | caps)]
    _write(file, lines)


def _catch_up(file: Path) -> None:
    """A sandbox that an earlier version made says nothing of switches that came since. Whatever somebody wrote stays."""
    head, _, rest = file.read_text().partition("\n")
    if head != PLAY_HEAD:
        return
    try:
        known = tomllib.loads(rest)
    except tomllib.TOMLDecodeError:
        # The signer itself says what is wrong with it.
        return
    new = {name: value for name, value in PLAY_SWITCHES.items() if name not in known}
    if new:
        _write(file, [head, *_toml(new), *rest.splitlines()])


def _write(file: Path, lines: list[str]) -> None:
    aside = file.with_suffix(".new")
    aside.write_text("\n".join(lines) + "\n")
    aside.chmod(0o600)
    aside.replace(file)


def fill_play_accounts() -> None:
    """Let the sandbox chain's faucet fill the operator's accounts where they are low. Raises Complaint."""
    from django.conf import settings

    chain = read_environment().chain_url
    operator = _seeds(settings.SOLANA_SIGNER_CONFIGURATION.parent).operator()
    try:
        for address, lamports in ((operator.fee.address, FEE_LAMPORTS), (operator.payout.address, PAYOUT_LAMPORTS)):
            params = [address, {"commitment": "processed"}]
            balance = _ask(chain, {"jsonrpc": "2.0", "id": 1, "method": "getBalance", "params": params})
            if balance["result"]["value"] >= lamports // 2:
                continue
            _ask(f"{chain}/faucet", {"address": address, "amount": lamports, "token": "SOL"})
            if address == operator.payout.address:
                _ask(f"{chain}/faucet", {"address": address, "amount": PAYOUT_USDC, "token": "USDC"})
    except (OSError, KeyError, ValueError) as error:
        raise Complaint(f"the sandbox chain gave the signer no play money: {error}") from None


def _seeds(folder: Path) -> Seeds:
    from mutoscope.engines.solana.signer.journal import Journal
    from mutoscope.engines.solana.signer.seeds import Seeds
    from mutoscope.engines.solana.signer.vault import KeyRing

    return Seeds(KeyRing((f"file:{folder / 'kek'}",)), Journal(folder / "state"))


def _toml(entries: dict[str, Any]) -> list[str]:
    # JSON's texts, numbers and lists are TOML's as well.
    return [f"{name} = {json.dumps(value)}" for name, value in entries.items()]


def _ask(url: str, question: dict[str, Any]) -> Any:
    request = urllib.request.Request(  # noqa: S310 - our own port
        url, data=json.dumps(question).encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=ANSWER_TIMEOUT_S) as answer:  # noqa: S310 - our own port
        return json.load(answer)
