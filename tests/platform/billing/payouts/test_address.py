"""Payouts go to nobody who merely typed an address: its holder signs a message that names site, account, address, nonce and end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from mutoscope.engines.solana.chain import SandboxChain
from mutoscope.engines.solana.chain.wallet.link import WrongLink
from mutoscope.platform.billing.clock import MovedClock
from mutoscope.platform.billing.failures import CannotPayOut, NotProven, Refused, Unacceptable
from mutoscope.platform.billing.models import PayoutAddress
from mutoscope.platform.billing.payouts.address import (
    NameAddress,
    NameAddressInputs,
    ProveAddress,
    ProveAddressInputs,
)
from mutoscope.platform.billing.payouts.service import current_address
from tests.people import PASSWORD, make_person
from tests.platform.billing.paying import ADDRESS, CREATOR, prove
from tests.platform.videos.films import new_channel

pytestmark = pytest.mark.django_db

OTHER = Keypair.from_seed(b"somebody else with a wallet too.")


def name(creator: Any, address: str = ADDRESS, **rest: bool) -> PayoutAddress:
    return NameAddress().call(NameAddressInputs(creator.pk, address, **{"has_second_factor": True, **rest})).named


def prove_with(creator: Any, nonce: str, signature: str, clock: Any = None) -> None:
    service = ProveAddress(clock) if clock else ProveAddress()
    service.call(ProveAddressInputs(creator.pk, nonce, signature, True))


def test_the_message_names_site_account_address_nonce_and_end(settings: Any) -> None:
    channel = new_channel()
    named = name(channel.owner)
    for part in (
        settings.SITE_URL,
        "Account: ada",
        f"Channel: {channel.handle}",
        ADDRESS,
        named.nonce,
        "Valid until: 20",
    ):
        assert part in named.message
    prove(channel.owner)
    found = current_address(channel.pk)
    assert found is not None
    assert (found.address, PayoutAddress.objects.filter(proven_at=None).count()) == (ADDRESS, 1)


def test_nothing_but_that_signature_over_those_bytes_in_that_time_proves_it() -> None:
    channel, other = new_channel(), new_channel("grace")
    named = name(channel.owner)
    good = str(CREATOR.sign_message(named.message.encode()))
    elsewhere = name(channel.owner)
    wrong = {
        "another wallet's": str(OTHER.sign_message(named.message.encode())),
        "over other bytes": str(CREATOR.sign_message(named.message.encode() + b" ")),
        "over another nonce": str(CREATOR.sign_message(elsewhere.message.encode())),
        "no base58": "0" * 88,
        "empty": "",
        "too long": good + "1",
    }
    for signature in wrong.values():
        with pytest.raises(NotProven):
            prove_with(channel.owner, named.nonce, signature)
    with pytest.raises(NotProven):
        prove_with(other.owner, named.nonce, good)
    with pytest.raises(NotProven):
        prove_with(channel.owner, named.nonce, good, MovedClock(timedelta(minutes=11)))
    with pytest.raises(CannotPayOut):
        ProveAddress().call(ProveAddressInputs(channel.owner.pk, named.nonce, good, False))
    assert current_address(channel.pk) is None
    for _ in range(2):
        prove_with(channel.owner, named.nonce, good)
    assert current_address(channel.pk) is not None


def test_another_address_takes_its_place_and_an_old_signature_does_not_bring_it_back() -> None:
    creator = new_channel().owner
    first = prove(creator)
    second = prove(creator, OTHER)
    found = current_address(first.channel_id)
    assert found == second
    with pytest.raises(NotProven):
        prove_with(creator, first.nonce, first.signature)
    assert current_address(first.channel_id) == second


@pytest.mark.parametrize("address", ["", "0x1234", "1" * 45, ADDRESS[:-1] + "0", "ada"])
def test_what_is_no_address_is_refused_where_it_was_typed(address: str) -> None:
    with pytest.raises(Unacceptable) as refused:
        name(new_channel().owner, address)
    assert refused.value.field() == "address"


def test_an_address_without_a_key_a_missing_second_factor_and_no_channel_are_refused() -> None:
    channel = new_channel()
    program, _ = Pubkey.find_program_address([b"vault"], CREATOR.pubkey())
    with pytest.raises(Unacceptable):
        name(channel.owner, str(program))
    with pytest.raises(CannotPayOut):
        name(channel.owner, has_second_factor=False)
    with pytest.raises(Refused):
        name(make_person("petra"))
    assert not PayoutAddress.objects.exists()


def test_the_sandbox_wallet_signs_texts_and_no_transactions() -> None:
    wallet = SandboxChain(time_s=1_800_000_000).wallet()
    channel = new_channel()
    named = name(channel.owner, str(wallet.address))
    prove_with(channel.owner, named.nonce, str(wallet.sign_message(named.message)))
    with pytest.raises(WrongLink):
        wallet.sign_message("\x01\x00\x02\x04")


def test_through_the_pages(client: Client) -> None:
    channel = new_channel()
    channel.owner.set_password(PASSWORD)
    channel.owner.save()
    client.force_login(make_person("petra"))
    assert client.get("/studio/earnings/address/").status_code == 404
    client.force_login(channel.owner)
    assert client.get("/studio/earnings/address/").status_code == 200
    asked = client.post("/studio/earnings/address/name/", {"address": ADDRESS})
    assert "/account/reauthenticate/" in asked["Location"], "a session left open must not change where earnings go"
    named = name(channel.owner)
    page = client.get(f"/studio/earnings/address/{named.nonce}/").content.decode()
    assert named.nonce in page
    stranger = Client()
    stranger.force_login(new_channel("grace").owner)
    assert stranger.get(f"/studio/earnings/address/{named.nonce}/").status_code == 404
