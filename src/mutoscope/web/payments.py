"""What the payments engine and the top-ups are told: play money in the sandbox, the operator's nodes and wallet in production."""

from __future__ import annotations

from typing import Any

from mutoscope.web.environment import Environment

# Play money needs no market. Dollars for one whole token.
PLAY_RATES = {"SOL": "150", "USDC": "1", "FEE": "1"}
# As long as a quote stands: short enough for the rate, long enough to find one's wallet.
QUOTE_LIFETIME_S = 15 * 60


def solana_settings(environment: Environment) -> dict[str, Any]:
    """`MUTOSCOPE_SOLANA`. Without a wallet's address, each payment gets an address of its own, which the signer sweeps."""
    if not environment.is_production:
        # The limit of a public node would hold up a chain that is this machine's own.
        node = {"URL": environment.chain_url, "CALLS_PER_10_S": 100_000}
        return {
            "RPC": [node],
            "CLUSTER": "sandbox",
            "RECEIVE_BY": "wallet",
            "TICK_S": 0.5,
            "LABEL": "Mutoscope sandbox",
        }
    return {
        "RPC": [url.get_secret_value() for url in environment.rpc_urls],
        "CLUSTER": environment.solana_cluster,
        "RECEIVE_BY": "reference" if environment.wallet else "wallet",
        "RECEIVE_TO": environment.wallet or "",
    }


def top_up_settings(environment: Environment) -> dict[str, Any]:
    """`TOP_UPS`: where rates come from, how long quotes stand, and the wallet that pays with play money."""
    fixed = dict(part.split("=", 1) for part in environment.rates_fixed)
    return {
        "RATES_FIXED": fixed if environment.is_production or fixed else PLAY_RATES,
        "RATES_FILE": environment.rates_file,
        "RATES_KEY": environment.rates_key,
        "RATES_URL": environment.rates_url.get_secret_value() if environment.rates_url else None,
        "RATES_AGE_S_MAX": environment.rates_age_s_max,
        "QUOTE_LIFETIME_S": QUOTE_LIFETIME_S,
        "HOURLY_MAX": environment.top_ups_hourly_max,
        "HOURLY_MAX_ADDRESS": environment.top_ups_hourly_max_address,
        "PLAY_WALLET": None if environment.is_production else environment.chain_url,
    }


def explorer_address(environment: Environment) -> str:
    """Where a person looks at a transaction, with `{signature}` for its signature: the sandbox chain's own page, or Solana's explorer."""
    if not environment.is_production:
        return f"{environment.chain_url}/#transaction/{{signature}}"
    cluster = environment.solana_cluster
    ending = f"?cluster={cluster}" if cluster in {"devnet", "testnet"} else ""
    return f"https://explorer.solana.com/tx/{{signature}}{ending}"
