"""Which tokens are accepted."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from mutoscope.engines.solana import public
from mutoscope.engines.solana.chain import TEST_FEE_TOKEN, TEST_USDC
from mutoscope.engines.solana.payments import tokens
from mutoscope.engines.solana.payments.domain.addresses import TOKEN_2022_PROGRAM, TOKEN_PROGRAM
from mutoscope.engines.solana.payments.domain.mints import Mint, NotAMint, read_mint
from mutoscope.engines.solana.rpc.client import Rpc
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


@pytest.mark.parametrize(
    ("mint", "more", "field"),
    [
        ("USDC", {}, "mint: 'USDC' is no address"),
        ("", {}, "mint: SOL has none"),
        (f"{USDC} ", {}, "mint: "),
        (None, {}, "mint: "),
        (USDC, {"symbol": ""}, "symbol: "),
        (USDC, {"symbol": "X" * 21}, "symbol: "),
        (USDC, {"decimals": 6}, "decimals: is read from the chain"),
        (USDC, {"colour": "red"}, "colour: there is no such column"),
        (USDC, {"dust_below": "much"}, "dust_below: "),
    ],
)
def test_what_cannot_be_a_token_is_refused_by_field_and_no_node_is_asked(
    shop: Shop, mint: str, more: dict[str, Any], field: str
) -> None:
    public.token_model().objects.filter(mint=USDC).delete()
    calls = shop.rpc.calls.total()
    with pytest.raises(public.TokenRefused) as refused:
        public.accept_token(**{"symbol": "USDC", "mint": mint, "rpc": shop.rpc, **more})
    assert [each for each in refused.value.problems if each.startswith(field)], refused.value.problems
    assert shop.rpc.calls.total() == calls


def test_the_same_token_again_is_the_row_that_is_there(shop: Shop) -> None:
    public.token_model().objects.filter(mint=USDC).delete()
    first = public.accept_token("USDC", USDC, rpc=shop.rpc, dust_below=10)
    calls = shop.rpc.calls.total()
    public.token_model().objects.filter(pk=first.pk).update(is_active=False)
    again = public.accept_token("USDC", USDC, rpc=shop.rpc, dust_below=10)
    assert (again.pk, again.is_active) == (first.pk, False), "what an operator switched off stays off"
    assert shop.rpc.calls.total() == calls
    for other in ({"symbol": "EURC"}, {"dust_below": 11}, {"extensions": ["transfer_fee"]}):
        with pytest.raises(public.TokenRefused) as refused:
            public.accept_token(**{"symbol": "USDC", "mint": USDC, "rpc": shop.rpc, "dust_below": 10, **other})
        assert [each.split(":")[0] for each in refused.value.problems] == list(other)
    assert public.token_model().objects.filter(mint=USDC).count() == 1


def test_two_deployments_at_once_accept_a_token_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    public.token_model().objects.filter(mint=USDC).delete()
    read = tokens.read_mint_account

    def read_while_another_is_as_quick(rpc: Rpc, mint: str) -> Mint:
        shop.usdc.pk = None
        shop.usdc.save(force_insert=True)
        return read(rpc, mint)

    monkeypatch.setattr(tokens, "read_mint_account", read_while_another_is_as_quick)
    assert public.accept_token("USDC", USDC, rpc=shop.rpc).pk == shop.usdc.pk


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
