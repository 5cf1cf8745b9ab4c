"""Solana Pay transfer requests: `solana:<recipient>?amount=..&spl-token=..&reference=..&label=..&message=..&memo=..`

Source: https://github.com/solana-foundation/solana-pay/blob/master/SPEC1.1.md, "Transfer Request".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import parse_qsl

from solders.pubkey import Pubkey

LINK_CHARACTERS_MAX = 2048
REFERENCES_MAX = 20
TEXT_CHARACTERS_MAX = 500
# A plain decimal: a leading zero below one, no exponent, no sign.
AMOUNT = re.compile(r"(?:0|[1-9][0-9]{0,19})(?:\.[0-9]{1,18})?")
ONCE = ("amount", "spl-token", "label", "message", "memo")


class WrongLink(Exception):
    """This is not a transfer request. `field` is what is wrong in it, `problem` why."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """Who shall be paid. `amount` in whole SOL or tokens, None where the payer decides; `mint` None for SOL."""

    recipient: Pubkey
    amount: Decimal | None = None
    mint: Pubkey | None = None
    references: tuple[Pubkey, ...] = ()
    label: str | None = None
    message: str | None = None
    memo: str | None = None

    def base_units(self, decimals: int) -> int | None:
        """The amount in lamports or base units. Raises WrongLink where it has more decimals than the token."""
        if self.amount is None:
            return None
        units = self.amount.scaleb(decimals)
        if units != units.to_integral_value():
            raise WrongLink("amount", f"has more than the {decimals} decimals that this token has")
        return int(units)


def read_link(link: str) -> TransferRequest:
    """Raises WrongLink naming the field."""
    if len(link) > LINK_CHARACTERS_MAX:
        raise WrongLink("link", f"is longer than {LINK_CHARACTERS_MAX} characters")
    scheme, colon, rest = link.strip().partition(":")
    if not colon or scheme.lower() != "solana":
        raise WrongLink("link", "does not begin with solana:")
    path, _, query = rest.partition("?")
    if path.lower().startswith(("https:", "https%3a")):
        raise WrongLink("link", "is a transaction request, which this wallet does not pay")
    recipient = _key(path, "recipient")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), errors="strict", max_num_fields=64)
    except ValueError:
        raise WrongLink("link", "has a query that cannot be read") from None
    values: dict[str, str] = {}
    references = []
    for name, value in pairs:
        if name == "reference":
            references.append(_key(value, "reference"))
        elif name in values:
            raise WrongLink(name, "is given twice")
        elif name in ONCE:
            values[name] = value
    if len(references) > REFERENCES_MAX:
        raise WrongLink("reference", f"is given more than {REFERENCES_MAX} times")
    for name in ("label", "message", "memo"):
        if len(values.get(name, "")) > TEXT_CHARACTERS_MAX:
            raise WrongLink(name, f"is longer than {TEXT_CHARACTERS_MAX} characters")
    return TransferRequest(
        recipient=recipient,
        amount=_amount(values["amount"]) if "amount" in values else None,
        mint=_key(values["spl-token"], "spl-token") if "spl-token" in values else None,
        references=tuple(references),
        label=values.get("label"),
        message=values.get("message"),
        memo=values.get("memo"),
    )


def _key(text: str, field: str) -> Pubkey:
    if not text:
        raise WrongLink(field, "is missing")
    try:
        return Pubkey.from_string(text)
    except ValueError:
        raise WrongLink(field, "is not a Solana address") from None


def _amount(text: str) -> Decimal:
    if not AMOUNT.fullmatch(text):
        raise WrongLink("amount", "must be a plain decimal such as 0.5: no sign, no exponent, a zero before the point")
    return Decimal(text)
