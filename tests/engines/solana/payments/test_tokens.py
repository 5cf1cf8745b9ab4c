"""Which tokens are accepted."""

from __future__ import annotations

import struct

import pytest

from mutoscope.engines.solana import public
from mutoscope.engines.solana.chain import TEST_FEE_TOKEN, TEST_USDC
from mutoscope.engines.solana.payments.domain.addresses import TOKEN_2022_PROGRAM, TOKEN_PROGRAM
from mutoscope.engines.solana.payments.domain.mints import NotAMint, read_mint
from tests.engines.solana.payments.shop import FEE, USDC, Shop

MINT = bytes(44) + bytes([6, 1]) + bytes(36)


def extended(*kinds: int) -> bytes:
    entries = b"".join(struct.pack("<HH", kind, 4) + bytes(4) for kind in kinds)
    return MINT + bytes(83) + b"\x01" + entries


def test_a_token_is_accepted_with_the_chains_own_decimals(shop: Shop) -> None:
    public.token_model().objects.filter(mint=USDC).delete()
    token = public.accept_token("USDC", USDC, rpc=shop.rpc)
    assert (token.decimals, token.program) == (TEST_USDC.decimals, TOKEN_PROGRAM)


def test_a_token_whose_transfers_mean_something_else_is_accepted_only_if_that_is_allowed(shop: Shop) -> None:
    with pytest.raises(public.TokenRefused) as refused:
        public.accept_token("FEE", FEE, rpc=shop.rpc)
    assert "transfer_fee" in str(refused.value)
    assert (
        public.accept_token("FEE", FEE, rpc=shop.rpc, extensions=["transfer_fee"]).decimals == TEST_FEE_TOKEN.decimals
    )


@pytest.mark.parametrize("address", ["11111111111111111111111111111111", str(TEST_USDC.account_of(TEST_USDC.mint))])
def test_what_is_no_mint_is_refused(shop: Shop, address: str) -> None:
    with pytest.raises(public.TokenRefused):
        public.accept_token("X", address, rpc=shop.rpc)


def test_a_mint_that_changed_is_no_longer_offered(shop: Shop) -> None:
    fee = shop.accept(TEST_FEE_TOKEN, extensions=[])
    shop.watcher.audit()
    fee.refresh_from_db()
    assert not fee.is_active
    shop.usdc.refresh_from_db()
    assert shop.usdc.is_active


def test_extensions_are_read_and_unknown_ones_are_named_by_number() -> None:
    assert read_mint(TOKEN_2022_PROGRAM, extended(12, 14, 26, 999)).extensions == {
        "permanent_delegate",
        "transfer_hook",
        "pausable",
        "extension_999",
    }
    assert read_mint(TOKEN_PROGRAM, MINT).extensions == frozenset()


@pytest.mark.parametrize("data", [b"", MINT[:-1], bytes(82), MINT + bytes(83), extended(12)])
def test_bytes_that_are_no_mint_are_none(data: bytes) -> None:
    with pytest.raises(NotAMint):
        read_mint(TOKEN_PROGRAM, data)
