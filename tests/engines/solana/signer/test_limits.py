"""Where money may go and how much: the signer's own configuration decides, whatever the database or a request says."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from solders.keypair import Keypair

from mutoscope.engines.solana.chain import LAMPORTS_PER_SOL, TEST_USDC
from mutoscope.engines.solana.signer.configuration import ConfigurationRefused, parse_configuration, read_configuration
from mutoscope.engines.solana.signer.models import SignerAttempt, SignerJob
from mutoscope.engines.solana.signer.requests import (
    KeyReused,
    MalformedRequest,
    find_job,
    request_payout,
    request_reclaim,
    request_refund,
    request_sweep,
)
from mutoscope.engines.solana.wallets.models import Wallet
from tests.engines.solana.signer.ground import ROOT
from tests.engines.solana.signer.house import SOL, STRANGER, TREASURY, USDC, House, key

CREATOR = str(Keypair.from_seed(b"a creator who is to be paid once").pubkey())


def insert(**fields: Any) -> SignerJob:
    """A row by SQL, as somebody who took over web would write it."""
    whole: dict[str, Any] = {
        "key": "forged",
        "wallet_id": None,
        "mint": "",
        "destination": "",
        "amount": None,
        "receipt": "",
        "receiver": "",
    }
    whole |= {
        "state": "requested",
        "not_before": "2020-01-01",
        "requested_at": "2020-01-01",
        "changed_at": "2020-01-01",
    }
    whole |= {"reason": "", "signature": "", "attempts": 0, "refusals": 0, "alone": False} | fields
    with connection.cursor() as cursor:
        places = ", ".join(["%s"] * len(whole))
        cursor.execute(f"INSERT INTO solana_signer_job ({', '.join(whole)}) VALUES ({places})", list(whole.values()))
    job = find_job(str(whole["key"]))
    assert job is not None
    return job


def test_a_changed_destination_is_refused(house: House) -> None:
    """A request cannot carry one; a row that was forged with one is voided, and nothing is signed."""
    wallet = house.wallet("order-1", lamports=LAMPORTS_PER_SOL)
    job = insert(kind="sweep", wallet_id=wallet.pk, destination=str(STRANGER.pubkey()))
    house.settle(job)
    assert job.state == "voided"
    assert "configuration says" in job.reason
    assert SignerAttempt.objects.count() == 0
    assert house.lamports(wallet.address) == LAMPORTS_PER_SOL


def test_a_wallet_whose_address_was_changed_in_the_database_is_not_signed_for(house: House) -> None:
    wallet = house.wallet("order-1")
    house.chain.airdrop(STRANGER.pubkey(), LAMPORTS_PER_SOL)
    house.chain.finalize()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE solana_wallet DISABLE TRIGGER USER")
        cursor.execute("UPDATE solana_wallet SET address = %s WHERE id = %s", [str(STRANGER.pubkey()), wallet.pk])
        cursor.execute("ALTER TABLE solana_wallet ENABLE TRIGGER USER")
    honest = request_sweep(house.wallet("order-2", lamports=LAMPORTS_PER_SOL))
    job = request_sweep(Wallet.objects.get(pk=wallet.pk))
    house.settle(job, honest)
    assert (job.state, honest.state) == ("failed", "settled")
    assert "does not belong" in job.reason
    assert house.lamports(str(STRANGER.pubkey())) == LAMPORTS_PER_SOL


def test_a_payout_above_the_cap_for_one_is_voided(open_house: Callable[..., House]) -> None:
    house = open_house(sol={"payout_max": 5_000_000})
    house.chain.airdrop(key(house.payout), LAMPORTS_PER_SOL)
    house.chain.finalize()
    job = request_payout("payout-1", destination=CREATOR, amount=5_000_001)
    house.settle(job)
    assert (job.state, house.lamports(CREATOR)) == ("voided", 0)
    assert "above the signer's cap" in job.reason


def test_payouts_stop_at_the_cap_of_the_day_and_wait(open_house: Callable[..., House]) -> None:
    house = open_house(sol={"payout_day_max": 9_000_000})
    house.chain.airdrop(key(house.payout), LAMPORTS_PER_SOL)
    house.chain.finalize()
    jobs = [request_payout(f"payout-{number}", destination=CREATOR, amount=4_000_000) for number in range(3)]
    house.settle(*jobs[:2])
    house.refresh(jobs[2])
    assert (jobs[2].state, house.lamports(CREATOR)) == ("requested", 8_000_000)
    assert "cap of the day" in jobs[2].reason


def test_sweeps_of_one_transaction_are_counted_one_by_one_against_the_day(open_house: Callable[..., House]) -> None:
    house = open_house(usdc={"sweep_day_max": 2_500})
    jobs = [request_sweep(house.wallet(f"order-{number}", usdc=1000), USDC) for number in range(3)]
    for _ in range(12):
        house.signer.tick()
        house.hurry()
        house.chain.advance(8)
    house.refresh(*jobs)
    assert sorted(job.state for job in jobs) == ["requested", "settled", "settled"]
    assert house.tokens(str(TREASURY.pubkey())) == 2000


def test_a_sweep_moves_no_more_than_its_cap(open_house: Callable[..., House]) -> None:
    house = open_house(usdc={"sweep_max": 600})
    wallet = house.wallet("order-1", usdc=1000)
    job = request_sweep(wallet, USDC)
    house.settle(job)
    assert (job.moved, house.tokens(wallet.address)) == (600, 400)


@pytest.mark.parametrize("kind", ["sweep", "payout"])
def test_what_the_configuration_does_not_name_cannot_be_moved(open_house: Callable[..., House], kind: str) -> None:
    house = open_house(usdc={f"{kind}_max": 0})
    if kind == "sweep":
        job = request_sweep(house.wallet("order-1", usdc=1000), USDC)
    else:
        house.chain.give(key(house.payout), 1000)
        house.chain.finalize()
        job = request_payout("payout-1", destination=CREATOR, amount=1, mint=USDC)
    unknown = request_sweep(house.wallet("order-2"), str(STRANGER.pubkey()))
    house.settle(job, unknown)
    assert (job.state, unknown.state) == ("voided", "voided")
    assert "not in the signer's configuration" in unknown.reason


def test_a_token_account_is_no_destination(house: House) -> None:
    """The usual mistake of a creator: the address of a token account instead of the wallet's."""
    house.chain.airdrop(key(house.payout), LAMPORTS_PER_SOL)
    house.chain.give(STRANGER.pubkey(), 1)
    house.chain.finalize()
    with pytest.raises(MalformedRequest) as caught:
        request_payout("payout-1", destination=str(TEST_USDC.account_of(STRANGER.pubkey())), amount=1_000_000)
    assert caught.value.field == "destination"
    # A mint's address is on the curve, so only the chain tells that it is no wallet.
    job = request_payout("payout-2", destination=USDC, amount=1_000_000)
    house.settle(job)
    assert job.state == "voided"
    assert "is not a wallet" in job.reason


def test_a_payout_that_cannot_open_its_destination_is_voided(house: House) -> None:
    house.chain.airdrop(key(house.payout), LAMPORTS_PER_SOL)
    house.chain.finalize()
    job = request_payout("payout-1", destination=CREATOR, amount=1)
    house.settle(job)
    assert job.state == "voided"
    assert "cannot open it" in job.reason


def test_two_payouts_do_not_count_on_the_same_money(house: House) -> None:
    house.chain.airdrop(key(house.payout), 10_000_000)
    house.chain.finalize()
    jobs = [request_payout(f"payout-{number}", destination=CREATOR, amount=6_000_000) for number in range(2)]
    house.settle(jobs[0])
    house.refresh(jobs[1])
    assert jobs[1].state == "requested"
    assert "is short" in jobs[1].reason
    house.chain.airdrop(key(house.payout), 10_000_000)
    house.chain.finalize()
    house.settle(jobs[1])
    assert house.lamports(CREATOR) == 12_000_000


def test_a_low_fee_account_makes_jobs_wait_and_is_reported(house: House) -> None:
    from mutoscope.engines.solana.signer.findings import findings

    wallet = house.wallet("order-1", usdc=1000)
    owner = house.signer.seeds
    assert owner is not None
    drain = house.lamports(house.fee) - 1_000_000
    real = house.chain.bank.account
    job = request_sweep(wallet, USDC)
    house.node.lies = lambda method, answer: _poorer(method, answer, drain)
    house.signer.tick()
    house.refresh(job)
    assert job.state == "requested"
    assert "fee account" in job.reason
    names = [finding.name for finding in findings()]
    assert "fee_account_low" in names
    house.node.mend()
    house.settle(job)
    assert job.state == "settled"
    assert "fee_account_low" not in [finding.name for finding in findings()]
    assert real is not None


def _poorer(method: str, answer: Any, by: int) -> Any:
    if method == "getMultipleAccounts" and len(answer["value"]) == 1 and answer["value"][0]:
        answer["value"][0]["lamports"] = max(0, answer["value"][0]["lamports"] - by)
    return answer


def test_the_same_key_asks_once_and_other_content_is_refused(house: House) -> None:
    first = request_payout("payout-1", destination=CREATOR, amount=5)
    assert request_payout("payout-1", destination=CREATOR, amount=5).pk == first.pk
    with pytest.raises(KeyReused):
        request_payout("payout-1", destination=CREATOR, amount=6)
    wallet = house.wallet("order-1")
    assert request_sweep(wallet, USDC).pk == request_sweep(wallet, USDC).pk
    assert request_sweep(wallet, USDC).pk != request_sweep(wallet, SOL).pk


@pytest.mark.django_db
@pytest.mark.parametrize("amount", [0, -1, 2**63, 1.5, True, None, "1", float("nan")])
def test_an_amount_that_is_none_is_refused_with_the_field(amount: Any) -> None:
    with pytest.raises(MalformedRequest) as caught:
        request_payout("payout-1", destination=CREATOR, amount=amount)
    assert caught.value.field == "amount"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "ask"),
    [
        ("key", lambda: request_payout("", destination=CREATOR, amount=1)),
        ("destination", lambda: request_payout("k", destination="nobody", amount=1)),
        ("mint", lambda: request_payout("k", destination=CREATOR, amount=1, mint="USDC")),
        ("receipt", lambda: request_refund("k", receipt="x", receiver=CREATOR, amount=1)),
        ("receiver", lambda: request_refund("k", receipt="1" * 64, receiver="x", amount=1)),
        ("mint", lambda: request_reclaim(Wallet(pk=1), "")),
    ],
)
def test_a_malformed_request_is_refused_whole(field: str, ask: Callable[[], object]) -> None:
    with pytest.raises(MalformedRequest) as caught:
        ask()
    assert caught.value.field == field
    assert SignerJob.objects.count() == 0


GOOD: dict[str, Any] = {
    "rpc": ["http://127.0.0.1:8899"],
    "key_encryption_keys": ["file:/x"],
    "state": "/x",
    "token": [{"name": "SOL", "sweep_to": CREATOR}],
}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"rpc": []}, "rpc"),
        ({"rpc": "http://x"}, "rpc"),
        ({"state": 1}, "state"),
        ({"pool_target": -1}, "pool_target"),
        ({"pool_target": True}, "pool_target"),
        ({"pool_traget": 1}, "pool_traget"),
        ({"receivers": ["x"]}, "receivers"),
        ({"token": [{"name": "SOL"}]}, "sweep_to"),
        ({"token": [{"name": "SOL", "sweep_to": "x"}]}, "sweep_to"),
        ({"token": [{"name": "SOL", "sweep_to": str(TEST_USDC.account_of(key(CREATOR)))}]}, "not a wallet"),
        ({"token": [{"name": "SOL", "sweep_to": CREATOR, "payout_max": -1}]}, "payout_max"),
        ({"token": [{"name": "SOL", "sweep_to": CREATOR, "payout_max": "5"}]}, "payout_max"),
        ({"token": [{"name": "SOL", "sweep_to": CREATOR}] * 2}, "same mint"),
        ({"token": [{"name": "U", "sweep_to": CREATOR, "mint": USDC}]}, "decimals"),
        ({"token": [{"name": "U", "sweep_to": CREATOR, "mint": USDC, "decimals": 6, "program": "x"}]}, "program"),
    ],
)
def test_a_wrong_configuration_is_refused_by_the_name_of_the_entry(change: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationRefused, match=named):
        parse_configuration(GOOD | change)


def test_the_documented_configuration_is_one_that_is_accepted() -> None:
    page = (ROOT / "docs" / "keys.md").read_text()
    text = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)[0]
    for placeholder in re.findall(r'"(your main wallet[^"]*|the address of[^"]*)"', text):
        text = text.replace(f'"{placeholder}"', f'"{CREATOR}"')
    read = parse_configuration(tomllib.loads(text))
    assert read.tokens[""].payout.each == 5_000_000_000
    for name in re.findall(r"`(\w+)`", "".join(line for line in page.splitlines() if line.startswith("| `p"))):
        assert hasattr(read, name), f"{name} is documented and not an entry"


def test_a_configuration_that_others_may_write_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "signer.toml"
    file.write_text('rpc = ["http://x"]\nkey_encryption_keys = ["file:/x"]\nstate = "/x"\n')
    file.chmod(0o640)
    assert read_configuration(file).tokens == {}
    for mode in (0o660, 0o602):
        file.chmod(mode)
        with pytest.raises(ConfigurationRefused, match="others may write"):
            read_configuration(file)
