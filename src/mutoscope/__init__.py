"""Mutoscope: self-hosted pay-per-view video."""

__version__ = "0.1.0"
