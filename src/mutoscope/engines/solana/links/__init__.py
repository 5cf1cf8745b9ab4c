"""Solana Pay: links that a wallet opens, and the same as a QR code."""

from mutoscope.engines.solana.links.transfer import payment_links, qr_svg, transfer_link

__all__ = ["payment_links", "qr_svg", "transfer_link"]
