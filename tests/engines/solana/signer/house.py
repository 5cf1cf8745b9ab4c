"""A signer with everything around it: a sandbox chain, keys, a configuration, money, and nodes that can be broken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from mutoscope.engines.solana import wallets
from mutoscope.engines.solana.chain import LAMPORTS_PER_SOL, TEST_FEE_TOKEN, TEST_USDC, SandboxChain, TestToken
from mutoscope.engines.solana.keys import write_new_key
from mutoscope.engines.solana.signer.configuration import Configuration, parse_configuration
from mutoscope.engines.solana.signer.models import JobEvent, SignerAttempt, SignerJob
from mutoscope.engines.solana.signer.process import Signer
from mutoscope.engines.solana.wallets.models import Wallet

SOL, USDC, FEE = "", str(TEST_USDC.mint), str(TEST_FEE_TOKEN.mint)
TREASURY = Keypair.from_seed(b"a wallet that holds the treasury")
STRANGER = Keypair.from_seed(b"somebody who is not the operator")
FEE_LAMPORTS = 10 * LAMPORTS_PER_SOL
TURNS_MAX = 60


class Node:
    """One node, reached without a transport. `breaks` may raise, or return another answer than None, before a method runs;

    `lies` may change the answer afterwards.
    """

    def __init__(self, chain: SandboxChain) -> None:
        self.chain = chain
        self.calls: list[str] = []
        # What it was given to broadcast, whether it did or not.
        self.broadcast: list[Sequence[Any]] = []
        self.breaks: Callable[[str, Sequence[Any]], None] = lambda method, params: None
        self.lies: Callable[[str, Any], Any] = lambda method, answer: answer

    def call(self, method: str, params: Sequence[Any] = ()) -> Any:
        self.calls.append(method)
        if method == "sendTransaction":
            self.broadcast.append(params)
        self.breaks(method, params)
        return self.lies(method, self.chain.call(method, *params))

    def broken_for(self, *methods: str, times: int = 1 << 30, after: bool = False) -> None:
        """Time out for these methods so many times; `after` the node has done what it was asked."""
        left = times

        def strike(method: str) -> None:
            nonlocal left
            if method in methods and left > 0:
                left -= 1
                raise TimeoutError(f"{method} timed out")

        def strike_after(method: str, answer: Any) -> Any:
            strike(method)
            return answer

        if after:
            self.lies = strike_after
        else:
            self.breaks = lambda method, params: strike(method)

    def mend(self) -> None:
        self.breaks = lambda method, params: None
        self.lies = lambda method, answer: answer


class House:
    """The signer under test. Its chain's time moves by hand."""

    def __init__(self, folder: Path, chain: SandboxChain | None = None, **changes: Any) -> None:
        self.folder = folder
        self.chain = chain or SandboxChain(time_s=1_800_000_000)
        self.kek = write_new_key(folder / "kek")
        self.configuration = configure(folder, self.chain, **changes)
        self.node = Node(self.chain)
        self.nodes = [self.node]
        self.signer = self.new_signer()
        self.signer.seeds.initialize()
        operator = self.signer.seeds.operator()
        self.fee, self.payout = operator.fee.address, operator.payout.address
        self.chain.airdrop(key(self.fee), FEE_LAMPORTS)
        self.chain.finalize()
        self.signer.seeds.fill_pool(self.configuration.pool_target)

    def new_signer(self) -> Signer:
        """As after a restart."""
        return Signer(self.configuration, self.nodes)

    def wallet(self, reference: str, *, lamports: int = 0, **tokens: int) -> Wallet:
        """A claimed wallet with money that is final: `usdc`, `fee` in base units."""
        wallet = wallets.claim(reference)
        if lamports:
            self.chain.airdrop(key(wallet.address), lamports)
        for name, amount in tokens.items():
            self.chain.give(key(wallet.address), amount, TOKENS[name])
        self.chain.finalize()
        return wallet

    def settle(self, *jobs: SignerJob) -> None:
        """Turn the signer and the chain's clock until these jobs are ended."""
        for _ in range(TURNS_MAX):
            self.signer.tick()
            self.refresh(*jobs)
            if all(job.state in ("settled", "failed", "voided") for job in jobs):
                return
            self.hurry()
            self.chain.advance(8)
        raise AssertionError(f"not ended: {[(job.kind, job.state, job.reason) for job in jobs]}")

    def hurry(self) -> None:
        """No job waits for the clock on the wall."""
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE solana_signer_job SET not_before = now() - interval '1 hour' WHERE not_before > now()"
            )
            cursor.execute("UPDATE solana_signer_attempt SET sent_at = sent_at - interval '1 hour'")

    def pass_window(self) -> None:
        """Let every blockhash that was ever handed out grow too old, at finality."""
        pace = self.chain.bank.pace
        self.chain.advance(pace.blockhash_life + pace.finalized_after + 2)

    def refresh(self, *jobs: SignerJob) -> None:
        for job in jobs:
            job.refresh_from_db()

    def lamports(self, address: str) -> int:
        return self.chain.balance(key(address))

    def tokens(self, address: str, token: TestToken = TEST_USDC) -> int:
        return self.chain.token_balance(key(address), token)

    def signatures(self, address: str) -> list[str]:
        """Of every transaction that touched an address, newest first."""
        return [each["signature"] for each in self.chain.call("getSignaturesForAddress", address)]

    def close(self) -> None:
        self.signer.close()


TOKENS = {"usdc": TEST_USDC, "fee": TEST_FEE_TOKEN}


def key(address: str) -> Pubkey:
    return Pubkey.from_string(address)


def configure(folder: Path, chain: SandboxChain, **changes: Any) -> Configuration:
    """A configuration whose caps hinder nobody, unless `changes` says so: by entry, or by token as usdc={...}."""
    token: dict[str, dict[str, Any]] = {
        "sol": {"name": "SOL"},
        "usdc": {"name": "USDC", "mint": USDC, "program": "token", "decimals": 6},
        "fee": {"name": "FEE", "mint": FEE, "program": "token-2022", "decimals": 6},
    }
    for each in token.values():
        each["sweep_to"] = str(TREASURY.pubkey())
        for kind in ("sweep", "refund", "payout"):
            each[f"{kind}_max"] = each[f"{kind}_day_max"] = 10**15
    for name in list(changes):
        if name in token:
            token[name] |= changes.pop(name)
    entries: dict[str, Any] = {
        "rpc": ["http://127.0.0.1:1"],
        "genesis": chain.call("getGenesisHash"),
        "key_encryption_keys": [f"file:{folder / 'kek'}"],
        "state": str(folder / "state"),
        "pool_target": 20,
        "pool_low_water": 5,
        "report_s": 0,
        "token": list(token.values()),
    }
    return parse_configuration(entries | changes)


def history(job: SignerJob) -> list[str]:
    """Every state that a job went through."""
    return list(JobEvent.objects.filter(job=job).order_by("id").values_list("state", flat=True))


def attempts(job: SignerJob) -> list[str]:
    """The states of its attempts, oldest first."""
    return list(SignerAttempt.objects.filter(legs__job=job).order_by("id").values_list("state", flat=True))
