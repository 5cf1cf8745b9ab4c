"""Solana Pay: links that a wallet opens, and the same as a QR code."""

from mutoscope.engines.solana.links.transaction import paying_transaction, transaction_link
from mutoscope.engines.solana.links.transfer import payment_links, qr_svg, transfer_link

__all__ = ["paying_transaction", "payment_links", "qr_svg", "transaction_link", "transfer_link"]
