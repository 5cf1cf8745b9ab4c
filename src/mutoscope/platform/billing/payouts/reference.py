"""What an operator writes down of a payment by hand: the signature of its transaction, or a reference in words."""

from __future__ import annotations

import re

from solders.signature import Signature

from mutoscope.platform.billing.failures import Unacceptable

REFERENCE_LENGTH_MIN, REFERENCE_LENGTH_MAX = 3, 120
SAY_WHICH = (
    "Say by which payment: paste the transaction's signature, or write what your bank calls it, "
    f"in {REFERENCE_LENGTH_MIN} to {REFERENCE_LENGTH_MAX} characters."
)
CUT_SHORT = "This looks like a transaction's signature, and is none: paste all of it, 86 to 88 letters and digits."
# Base58, and longer than any reference of a bank without a space in it.
_LIKE_A_SIGNATURE = re.compile(r"[1-9A-HJ-NP-Za-km-z]{60,}")


def parse_reference(typed: str) -> str:
    """A reference as it was typed, on one line. Raises Unacceptable, also for what is nearly a signature."""
    reference = " ".join(typed.split())
    is_long_enough = REFERENCE_LENGTH_MIN <= len(reference) <= REFERENCE_LENGTH_MAX
    if not is_long_enough or not reference.isprintable() or not any(each.isalnum() for each in reference):
        raise Unacceptable(where="reference", why=SAY_WHICH)
    if _LIKE_A_SIGNATURE.fullmatch(reference) and not is_signature(reference):
        raise Unacceptable(where="reference", why=CUT_SHORT)
    return reference


def is_signature(reference: str) -> bool:
    """Whether it is a transaction's signature, which an explorer shows."""
    try:
        return str(Signature.from_string(reference)) == reference
    except ValueError:
        return False
