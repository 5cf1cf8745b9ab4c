"""Real processes: what a dump of the database gives away, what the roles may do, what the process lets out, and kill -9 anywhere."""

from __future__ import annotations

import base64
import json
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from mutoscope.engines.postgres import dump
from mutoscope.engines.postgres.embedded import EmbeddedServer
from mutoscope.engines.solana.chain import LAMPORTS_PER_SOL
from mutoscope.engines.solana.keys import Envelope, derive, open_envelope, wallet_path
from tests.engines.solana.signer.ground import ROOT, Ground, eventually, open_ground
from tests.engines.solana.signer.house import TREASURY

TOKEN = re.compile(rb"[A-Za-z0-9+/=_-]{32,}|\\\\x[0-9a-f]{64,}")


@pytest.fixture
def ground(tmp_path: Path, postgres_server: EmbeddedServer) -> Iterator[Ground]:
    with open_ground(tmp_path, postgres_server) as opened:
        yield opened


def fund(ground: Ground) -> tuple[str, str]:
    """Make the seeds and fill both of the operator's accounts; their addresses."""
    said = ground.manage("signer", "init")
    fee, payout = re.findall(r": ([1-9A-HJ-NP-Za-km-z]{32,44})$", said, re.MULTILINE)
    for address in (fee, payout):
        ground.chain.airdrop(Pubkey.from_string(address), 100 * LAMPORTS_PER_SOL)
    return fee, payout


def plain_dump(ground: Ground, folder: Path) -> bytes:
    """The whole database as SQL."""
    file = folder / "dump"
    dump.dump(ground.database_url, file)
    command = [dump._program("pg_restore", ground.database_url), "--file=-", str(file)]
    return subprocess.run(command, capture_output=True, check=True).stdout


def keys_within(text: bytes, addresses: set[str]) -> set[str]:
    """Which of these addresses a thief can sign for: every 32 bytes of every token, taken as a seed and as a private key."""
    candidates: set[bytes] = set()
    decoders: list[Callable[[bytes], bytes]] = [
        lambda token: bytes.fromhex(token.removeprefix(b"\\\\x").decode()),
        lambda token: base64.b64decode(token + b"==="),
    ]
    for token in set(TOKEN.findall(text)):
        decoded = [token]
        for decode in decoders:
            try:
                decoded.append(decode(token))
            except ValueError:
                continue
        for each in decoded:
            candidates |= {each[place : place + 32] for place in range(len(each) - 31)}
    found = set()
    for candidate in candidates:
        direct = Keypair.from_seed(candidate)
        found |= {str(direct.pubkey())} & addresses
    return found


def secrets_of(ground: Ground) -> list[bytes]:
    """Every secret there is, opened with the key-encryption key."""
    secrets = [ground.kek.path.read_text().strip().encode()]
    for (text,) in ground.rows("SELECT envelope FROM solana_sealed_seed"):
        seed = open_envelope(Envelope.from_json(text), ground.kek)
        secrets.append(seed.reveal())
        secrets += [derive(seed, wallet_path(index)).key.reveal() for index in range(3)]
    return secrets


def shown(secret: bytes) -> list[bytes]:
    """The ways in which a secret could appear."""
    forms = [secret, secret.hex().encode(), base64.b64encode(secret).rstrip(b"="), str(list(secret))[1:-1].encode()]
    if len(secret) == 32:
        forms.append(str(Keypair.from_seed(secret)).encode())
    return forms


def test_a_whole_life_gives_no_secret_away(ground: Ground, tmp_path: Path) -> None:
    """Set-up, sweep, payout, rotation, backup and drill, by the real process; then every trace of it is searched."""
    fee, _ = fund(ground)
    log = tmp_path / "log"
    process = ground.start_signer(log)
    eventually(lambda: ground.rows("SELECT count(*) FROM solana_wallet")[0][0] >= 50, "the pool is full")
    ((wallet,),) = ground.rows(
        "UPDATE solana_wallet SET reference = 'order-1', claimed_at = now() WHERE index = 0 RETURNING address"
    )
    ground.chain.airdrop(Pubkey.from_string(wallet), LAMPORTS_PER_SOL)
    final = "SELECT state FROM solana_signer_job WHERE key = %s"
    ask = "INSERT INTO solana_signer_job (key, kind, wallet_id, mint, destination, receipt, receiver, amount) "
    # As soon as it is final, or the signer would find nothing.
    eventually(lambda: ground.chain.call("getBalance", wallet)["value"], "the wallet's money is final")
    ground.rows(
        f"{ask} SELECT 'sweep-1', 'sweep', id, '', '', '', '', NULL FROM solana_wallet WHERE reference = 'order-1'"
    )
    creator = str(Keypair().pubkey())
    ground.rows(f"{ask} VALUES ('payout-1', 'payout', NULL, '', %s, '', '', 5000000)", creator)
    for key in ("sweep-1", "payout-1"):
        eventually(lambda key=key: ground.rows(final, key) == [("settled",)], f"{key} is settled")  # type: ignore[misc]
    with open(f"/proc/{process.pid}/limits") as limits:
        assert re.search(r"Max core file size\s+0\s+0", limits.read())
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert ground.chain.balance(TREASURY.pubkey()) == LAMPORTS_PER_SOL
    said = ground.manage("signer", "status")
    assert fee in said
    said += ground.manage("signer", "rotate-seed") + ground.manage("signer", "new-key", str(tmp_path / "recovery"))
    file, recovery = str(tmp_path / "seeds"), f"file:{tmp_path / 'recovery'}"
    said += ground.manage("signer", "backup", file, "--key", recovery)
    said += ground.manage("signer", "restore-drill", file, "--key", recovery)
    # Without the recovery key the drill fails, and tells nothing.
    said += ground.manage("signer", "restore-drill", file, fails=True)
    dumped = plain_dump(ground, tmp_path)
    everywhere = dumped + said.encode() + log.read_bytes() + (tmp_path / "seeds").read_bytes()
    everywhere += (tmp_path / "state" / "journal.sqlite3").read_bytes()
    assert b"canary-of-a-provider" not in everywhere
    for secret in secrets_of(ground):
        for form in shown(secret):
            assert form not in everywhere
    addresses = {row[0] for row in ground.rows("SELECT address FROM solana_wallet")}
    assert addresses <= {address.decode() for address in re.findall(rb"[1-9A-HJ-NP-Za-km-z]{32,44}", dumped)}
    assert keys_within(dumped, addresses | {fee, creator}) == set()
    # The search finds a key where there is one.
    planted = Keypair()
    text = dumped + b" " + base64.b64encode(bytes(planted)[:32]) + b" "
    assert keys_within(text, {str(planted.pubkey())}) == {str(planted.pubkey())}


def test_webs_role_sees_no_seed_and_moves_no_job(
    ground: Ground, postgres_server: EmbeddedServer, tmp_path: Path
) -> None:
    web, signer = (f"{part}_{uuid.uuid4().hex[:8]}" for part in ("web", "signer"))
    fund(ground)
    with psycopg.connect(postgres_server.url("postgres", "postgres"), autocommit=True) as superuser:
        for role in (web, signer):
            superuser.execute(f"CREATE ROLE {role} LOGIN".encode())
    try:
        ground.manage("signer", "grant", "--web", web, "--signer", signer)
        # The signer's role is enough for a whole job.
        ground.start_signer(tmp_path / "log", postgres_server.url(ground.name, signer))
        eventually(lambda: ground.rows("SELECT count(*) FROM solana_wallet")[0][0] >= 50, "the pool is full")
        creator = str(Keypair().pubkey())
        with psycopg.connect(postgres_server.url(ground.name, web), autocommit=True) as limited:
            limited.execute(
                "UPDATE solana_wallet SET reference = 'a', claimed_at = now() WHERE id = "
                "(SELECT id FROM solana_wallet WHERE reference IS NULL LIMIT 1 FOR UPDATE SKIP LOCKED)"
            )
            limited.execute(
                "INSERT INTO solana_signer_job (key, kind, mint, destination, receipt, receiver, amount) "
                "VALUES ('payout-1', 'payout', '', %s, '', '', 5000000)",
                [creator],
            )
            for attack in (
                "SELECT envelope FROM solana_sealed_seed",
                "UPDATE solana_wallet SET address = 'mine'",
                "INSERT INTO solana_wallet (epoch, index, address) VALUES (9, 9, 'mine')",
                "DELETE FROM solana_wallet",
                "UPDATE solana_signer_job SET amount = 1",
                "UPDATE solana_signer_job SET state = 'settled'",
                "DELETE FROM solana_signer_job",
                "INSERT INTO solana_signer_attempt (signature) VALUES ('x')",
                "UPDATE solana_signer_leg SET binding = false",
                "UPDATE solana_signer_report SET trouble = ''",
                "INSERT INTO solana_signer_event (job_id, key) VALUES (1, 'x')",
                "CREATE TABLE mine (id int)",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    limited.execute(attack.encode())
        state = "SELECT state FROM solana_signer_job"
        eventually(lambda: ground.rows(state) == [("settled",)], "the payout is settled")
        assert ground.chain.balance(Pubkey.from_string(creator)) == 5_000_000
        with psycopg.connect(postgres_server.url(ground.name, web), autocommit=True) as limited:
            limited.execute("UPDATE solana_signer_event SET delivered_at = now()")
    finally:
        ground.end()
        with psycopg.connect(postgres_server.url(ground.name, "postgres"), autocommit=True) as superuser:
            superuser.execute(f"DROP OWNED BY {web}, {signer}; DROP ROLE {web}, {signer}".encode())


def test_webs_role_may_have_the_rows_of_all_other_tables_and_no_more_of_the_signers(
    ground: Ground, postgres_server: EmbeddedServer
) -> None:
    web, signer = (f"{part}_{uuid.uuid4().hex[:8]}" for part in ("web", "signer"))
    fund(ground)
    with psycopg.connect(postgres_server.url("postgres", "postgres"), autocommit=True) as superuser:
        for role in (web, signer):
            superuser.execute(f"CREATE ROLE {role} LOGIN".encode())
    try:
        for _ in range(2):
            ground.manage("signer", "grant", "--web", web, "--signer", signer, "--with-other-tables")
        with psycopg.connect(postgres_server.url(ground.name, web), autocommit=True) as limited:
            limited.execute("SELECT name FROM django_migrations")
            limited.execute("INSERT INTO django_content_type (app_label, model) VALUES ('a', 'b')")
            limited.execute("DELETE FROM django_content_type WHERE app_label = 'a'")
            for attack in (
                "SELECT envelope FROM solana_sealed_seed",
                "UPDATE solana_wallet SET address = 'mine'",
                "DELETE FROM solana_signer_job",
                "DELETE FROM django_migrations",
                "TRUNCATE django_content_type",
                "DROP TABLE django_content_type",
                "CREATE TABLE mine (id int)",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    limited.execute(attack.encode())
        with psycopg.connect(postgres_server.url(ground.name, signer), autocommit=True) as limited:
            limited.execute("SELECT name FROM django_migrations")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                limited.execute("SELECT * FROM django_content_type")
    finally:
        with psycopg.connect(postgres_server.url(ground.name, "postgres"), autocommit=True) as superuser:
            superuser.execute(f"DROP OWNED BY {web}, {signer}; DROP ROLE {web}, {signer}".encode())


def killed(ground: Ground, rounds: int, seed: int) -> int:
    """A job a round and a signer killed in it; how many were killed. Afterwards every job has had its effect exactly once."""
    fund(ground)
    fill = (
        "import pathlib; from django.conf import settings\n"
        "from mutoscope.engines.solana.signer.configuration import read_configuration\n"
        "from mutoscope.engines.solana.signer.journal import Journal\n"
        "from mutoscope.engines.solana.signer.seeds import Seeds\n"
        "from mutoscope.engines.solana.signer.vault import KeyRing\n"
        "from mutoscope.engines.solana.wallets import claim\n"
        "c = read_configuration(pathlib.Path(settings.SOLANA_SIGNER_CONFIGURATION))\n"
        f"Seeds(KeyRing(c.key_encryption_keys), Journal(c.state)).fill_pool_by({rounds})\n"
        f"print(*[claim(f'order-{{n}}').address for n in range(0, {rounds}, 3)])\n"
    )
    swept = ground.manage("shell", "--no-imports", "--command", fill).split()
    for address in swept:
        ground.chain.airdrop(Pubkey.from_string(address), LAMPORTS_PER_SOL)
    last = swept[-1]
    eventually(lambda: ground.chain.call("getBalance", last)["value"], "the wallets' money is final")
    command = [sys.executable, "-m", "tests.engines.solana.signer.kills", str(rounds), str(seed)]
    done = subprocess.run(command, env=ground.environment(), capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    jobs = ground.rows("SELECT key, state, attempts FROM solana_signer_job ORDER BY id")
    assert len(jobs) == rounds
    assert {state for _, state, _ in jobs} == {"settled"}, [job for job in jobs if job[1] != "settled"]
    for number in range(rounds):
        if number % 3 == 0:
            continue
        creator = Keypair.from_seed(number.to_bytes(32, "big")).pubkey()
        assert ground.chain.balance(creator) == 1_000_000 + number, f"payout {number} after {done.stdout}"
    assert ground.chain.balance(TREASURY.pubkey()) == LAMPORTS_PER_SOL * len(swept)
    return int(json.loads(done.stdout.splitlines()[-1])["killed"])


def test_kill_nine_anywhere_pays_and_sweeps_exactly_once(ground: Ground) -> None:
    assert killed(ground, 10, seed=1) > 0


@pytest.mark.crash
def test_a_thousand_times_kill_nine(ground: Ground) -> None:
    rounds = 1300
    times = killed(ground, rounds, seed=2)
    assert times >= 1000, f"{times} kills in {rounds} rounds"
