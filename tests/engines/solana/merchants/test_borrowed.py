"""A project that borrows the engine, made by the steps of docs/solana.md and nothing else, with Django's own LOGGING."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from solders.pubkey import Pubkey

from mutoscope.engines.postgres.embedded import EmbeddedServer
from mutoscope.engines.solana.chain import LAMPORTS_PER_SOL, SandboxChain
from tests.databases import scratch_database
from tests.engines.solana.signer.ground import QUICK, eventually
from tests.engines.solana.signer.house import TREASURY
from tests.plugin import ROOT

PAGE = (ROOT / "docs" / "solana.md").read_text()
# The first block of each numbered step.
STEP = re.compile(r"\*\*(\d)\. (?:(?!\*\*\d\. ).)*?```(\w+)\n(.*?)```", re.DOTALL)
BLOCKS = {step: (language, block) for step, language, block in STEP.findall(PAGE)}
INSTALLS = re.compile(r"^INSTALLED_APPS \+= .+$", re.MULTILINE)
SETTINGS = """
from mutoscope.engines.postgres.conninfo import database_settings
SECRET_KEY = "tests only"
INSTALLED_APPS = ["django.contrib.contenttypes"]
DATABASES = {{"default": database_settings({database!r})}}
USE_TZ = True
{step}
MUTOSCOPE_SOLANA["RECEIVE_BY"] = "wallet"
"""
MANAGE = """
import os, sys
from django.core.management import execute_from_command_line
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
execute_from_command_line(sys.argv)
"""
PAYS = """
from mutoscope.engines.solana.public import create_payment
print(create_payment({"": 500_000_000}, purpose="order:1", idempotency_key="order:1").recipient)
"""


class Project:
    """The folder of a project, and what is typed there."""

    def __init__(self, folder: Path, database: str, chain: SandboxChain) -> None:
        self.folder = folder
        self.chain = chain
        step = BLOCKS["1"][1]
        step = step.replace("https://rpc.example.com", chain.url).replace("https://other.example.net", chain.url)
        step = step.replace("mainnet-beta", str(chain.bank.genesis_hash))
        step = step.replace("the address of your wallet", str(TREASURY.pubkey()))
        (folder / "settings.py").write_text(SETTINGS.format(database=database, step=step))
        (folder / "manage.py").write_text(MANAGE)
        self.processes: list[subprocess.Popen[bytes]] = []

    def typed(self) -> list[str]:
        """What the page has typed for the signer, with this machine's addresses: one entry a command."""
        language, text = BLOCKS["6"]
        assert language == "sh"
        text = text.replace("http://127.0.0.1:8899", self.chain.url)
        text = text.replace("the address of your wallet", str(TREASURY.pubkey()))
        text = text.replace("python manage.py", f"{sys.executable} manage.py")
        return re.split(r"\n(?=mkdir|chmod|cat |\S+ manage\.py)", text.strip())

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MUTOSCOPE_", "DJANGO_"))}
        return {**kept, "PYTHONPATH": f"{ROOT / 'src'}"}

    def shell(self, command: str, *, fails: bool = False) -> str:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode != 0) is fails, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def manage(self, words: str, *, fails: bool = False) -> str:
        return self.shell(f"{sys.executable} manage.py {words}", fails=fails)

    def start(self, command: str, log: str) -> subprocess.Popen[bytes]:
        with (self.folder / log).open("ab") as sink:
            process = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {command}"], cwd=self.folder, env=self.environment(), stdout=sink, stderr=sink
            )
        self.processes.append(process)
        return process

    def said(self, log: str) -> str:
        return (self.folder / log).read_text()


@pytest.fixture
def project(tmp_path: Path, postgres_server: EmbeddedServer) -> Iterator[Project]:
    with (
        scratch_database(postgres_server, "borrowed") as name,
        SandboxChain(pace=QUICK, ticking=True) as chain,
    ):
        project = Project(tmp_path, postgres_server.url(name), chain)
        try:
            project.manage("migrate --verbosity 0")
            yield project
        finally:
            for process in project.processes:
                process.kill()
                process.wait(30)


def test_page_and_example_install_the_same() -> None:
    example = (ROOT / "examples" / "solana_shop" / "project" / "settings.py").read_text()
    assert INSTALLS.findall(BLOCKS["1"][1]) == INSTALLS.findall(example) != []


def test_the_steps_of_the_page_lead_to_a_swept_payment(project: Project) -> None:
    assert "no issues" in project.manage("check")
    project.manage(
        "shell --no-imports -c 'from mutoscope.engines.solana.public import token_model; "
        'token_model().objects.create(symbol="SOL", decimals=9)\''
    )
    *before, init, run, status = project.typed()
    for command in before:
        project.shell(command)
    said = project.shell(init)
    assert "Next: manage.py signer backup FILE" in said
    fee = re.findall(r": ([1-9A-HJ-NP-Za-km-z]{32,44})$", said, re.MULTILINE)[0]

    # Nobody signs yet, and addresses have to come from somebody: the doctor knows.
    assert "signer_never_ran" in project.manage("solana doctor", fails=True)
    signer = project.start(run.split("#")[0].strip(), "signer.log")
    eventually(lambda: "wallets free    50" in project.shell(status), "the pool is full")
    assert "fee_account_low" in project.manage("solana doctor", fails=True)
    assert f"the fee account {fee} is low: 0 lamports" in project.said("signer.log")
    project.chain.airdrop(Pubkey.from_string(fee), LAMPORTS_PER_SOL)

    wallet = project.manage(f"shell --no-imports -c '{PAYS}'").strip()
    project.chain.airdrop(Pubkey.from_string(wallet), 500_000_000)
    eventually(lambda: project.chain.call("getBalance", wallet)["value"], "the payment is final")
    project.manage("solana recheck")
    assert "1 sweeps asked for" in project.manage("solana sweep")
    eventually(lambda: "sweep           settled    1" in project.shell(status), "the sweep is settled")
    assert project.chain.balance(TREASURY.pubkey()) == 500_000_000
    eventually(lambda: "fee_account_low" not in project.shell(status), "the fee account is full")
    assert "no job waits" in project.manage("solana doctor")

    # A second one with another site's key: it says so in its log, and holds nobody back.
    project.manage("signer new-key other")
    project.shell(
        "sed 's,signer/kek,other,; s,signer/state,state,' signer/signer.toml > other.toml; chmod 600 other.toml"
    )
    project.start(f"{sys.executable} manage.py signer --config other.toml", "other.log")
    told = eventually(lambda: project.said("other.log"), "the other signer says something")
    assert "the signer cannot work, nothing is signed. VaultRefused: No key-encryption key at hand is local:" in told
    project.chain.airdrop(Pubkey.from_string(wallet), 500_000_000)
    eventually(lambda: project.chain.call("getBalance", wallet)["value"] == 500_000_000, "more is final")
    project.manage(
        "shell --no-imports -c 'from mutoscope.engines.solana.signer.requests import request_sweep; "
        "from mutoscope.engines.solana.models import Wallet; "
        "request_sweep(Wallet.objects.get(reference__isnull=False))'"
    )
    eventually(lambda: "sweep           settled    2" in project.shell(status), "the second sweep is settled")
    assert f"fee account     {fee} " in project.shell(status)
    signer.send_signal(signal.SIGTERM)
    assert signer.wait(30) == 0
