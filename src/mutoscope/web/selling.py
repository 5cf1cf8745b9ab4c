"""Settings of money: what the site keeps, how creators are paid, where payments arrive, what a token is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode

from mutoscope.web.kinds import (
    Strings,
    address_value,
    cluster_value,
    dollars_value,
    key_value,
    rate_value,
    split_value,
    symbol_value,
    url_value,
    urls_value,
)


class Selling(BaseSettings):
    """A part of the operator's settings; environment.py has the rest."""

    fee_bps: int = Field(
        1000,
        ge=0,
        le=9000,
        validation_alias="MUTOSCOPE_FEE_BPS",
        description="The site's part of each sale and tip in basis points: 1000 is a tenth. Rounded down to a whole point; the creator gets the rest.",
        examples=["1000"],
    )
    payout_points_min: int = Field(
        1000,
        ge=1,
        le=1_000_000_000,
        validation_alias="MUTOSCOPE_PAYOUT_POINTS_MIN",
        description="The smallest payout, in points.",
        examples=["1000"],
    )
    payout_delay_days: int = Field(
        7,
        ge=0,
        le=365,
        validation_alias="MUTOSCOPE_PAYOUT_DELAY_DAYS",
        description="How old a sale must be before it can be paid out. Until then it can be refunded.",
        examples=["7"],
    )
    payout_approval_points: int = Field(
        50_000,
        ge=0,
        le=1_000_000_000,
        validation_alias="MUTOSCOPE_PAYOUT_APPROVAL_POINTS",
        description="What one creator is paid within 24 hours without approval, in points. A payout that makes it more waits for somebody of the staff; 0 has every one wait.",
        examples=["50000"],
    )
    payout_by: Literal["signer", "hand"] = Field(
        "signer",
        validation_alias="MUTOSCOPE_PAYOUT_BY",
        description="Who pays creators: `signer` sends it on chain to an address that the creator proved to hold; `hand` leaves it to you, who says in the operator pages that it was paid.",
        examples=["signer"],
    )
    payout_token: Annotated[str, AfterValidator(symbol_value)] = Field(
        "USDC",
        validation_alias="MUTOSCOPE_PAYOUT_TOKEN",
        description="The token that the signer pays creators in; one of those that the site accepts.",
        examples=["USDC"],
    )
    payout_point_usd: Annotated[str, AfterValidator(dollars_value)] = Field(
        "0.01",
        validation_alias="MUTOSCOPE_PAYOUT_POINT_USD",
        description="What a creator gets for a point, in dollars. A pack may not cost less than this for all its points, bonus included, and one that does is refused: before you raise it, look at your packs.",
        examples=["0.01"],
    )
    refund_elsewhere: bool = Field(
        False,
        validation_alias="MUTOSCOPE_REFUND_ELSEWHERE",
        description="Whether a viewer may have the money of a top-up that bought no points sent to another wallet than the one that paid, which they prove to hold: for those who pay from an exchange. Needs `refund_elsewhere` in the signer's configuration. Always so in the sandbox.",
        examples=["true"],
    )
    sweep_usd_min: Annotated[str, AfterValidator(dollars_value)] = Field(
        "0.50",
        validation_alias="MUTOSCOPE_SWEEP_USD_MIN",
        description="What lies in a one-time wallet and is worth less than this, in dollars, is not swept: the fee would be too much of it.",
        examples=["0.50"],
    )
    sweep_hold_days: int = Field(
        14,
        ge=0,
        le=365,
        validation_alias="MUTOSCOPE_SWEEP_HOLD_DAYS",
        description="How long money that bought no points stays in the one-time wallet it came to, so that it can go back from there.",
        examples=["14"],
    )
    top_ups_hourly_max: int = Field(
        30,
        ge=1,
        le=10_000,
        validation_alias="MUTOSCOPE_TOP_UPS_HOURLY_MAX",
        description="How many top-ups one person may begin within an hour. Each takes a one-time wallet, paid or not.",
        examples=["30"],
    )
    top_ups_hourly_max_address: int = Field(
        120,
        ge=1,
        le=100_000,
        validation_alias="MUTOSCOPE_TOP_UPS_HOURLY_MAX_ADDRESS",
        description="How many top-ups may be begun within an hour from one address, or one IPv6 network, by everybody there together.",
        examples=["120"],
    )
    rpc_urls: Annotated[list[SecretStr], NoDecode, BeforeValidator(split_value), AfterValidator(urls_value)] = Field(
        [],
        validation_alias="MUTOSCOPE_RPC_URLS",
        description="Solana nodes to ask about payments, separated by commas; two of different owners are best. In the sandbox, its own chain.",
        examples=["https://rpc.example.com/key,https://rpc.example.net"],
    )
    solana_cluster: Annotated[str, AfterValidator(cluster_value)] = Field(
        "mainnet-beta",
        validation_alias="MUTOSCOPE_SOLANA_CLUSTER",
        description="The network of those nodes: `mainnet-beta`, `devnet`, `testnet`, or the genesis hash of another.",
        examples=["mainnet-beta"],
    )
    wallet: Annotated[str, AfterValidator(address_value)] | None = Field(
        None,
        validation_alias="MUTOSCOPE_WALLET",
        description="Your wallet's address, where payments arrive. Without it each payment gets an address of its own, which the signer sweeps.",
        examples=["the address of your wallet, in base58"],
    )
    rates_fixed: Annotated[Strings, AfterValidator(lambda rates: [rate_value(rate) for rate in rates])] = Field(
        [],
        validation_alias="MUTOSCOPE_RATES_FIXED",
        description="Dollars for one whole token, for tokens whose rate does not move. They go before every other source.",
        examples=["USDC=1"],
    )
    rates_file: Path | None = Field(
        None,
        validation_alias="MUTOSCOPE_RATES_FILE",
        description="A signed file of exchange rates, which something of yours keeps up to date. Needs MUTOSCOPE_RATES_KEY.",
        examples=["/var/lib/mutoscope/rates"],
    )
    rates_key: Annotated[str, AfterValidator(key_value)] | None = Field(
        None,
        validation_alias="MUTOSCOPE_RATES_KEY",
        description="Ed25519 public key that the file of rates is signed with: 32 bytes in base64.",
        examples=["the public key in base64"],
    )
    rates_url: Annotated[SecretStr, AfterValidator(url_value)] | None = Field(
        None,
        validation_alias="MUTOSCOPE_RATES_URL",
        description="Where to ask for exchange rates by https, if there is no file.",
        examples=["https://rates.example.com/usd.json"],
    )
    rates_age_s_max: int = Field(
        300,
        ge=10,
        le=86_400,
        validation_alias="MUTOSCOPE_RATES_AGE_S_MAX",
        description="A rate that is older than this, in seconds, is not quoted.",
        examples=["300"],
    )
