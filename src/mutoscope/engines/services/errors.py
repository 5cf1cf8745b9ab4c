"""Broken contracts: mistakes in the code of a service, never a refusal that a user could cause. They always escape."""

from __future__ import annotations


class ContractError(Exception):
    """A service does something that its head does not say."""


class WrongInputs(ContractError):
    """A service was called with something other than its own inputs, or declares its layers wrongly."""


class UnreadableLayer(ContractError, AttributeError):
    """An attribute was read before any step wrote it."""


class UndeclaredAttribute(ContractError, AttributeError):
    """An attribute was written that the layer does not declare."""


class WrittenAfterReturn(ContractError):
    """An output was changed after the service had returned it."""


class MissingOutput(ContractError):
    """Every step ran, and still a declared output has no value."""


class StepReturnedSomething(ContractError):
    """A step returned a value, which nobody would ever see: it should have been written to a layer."""


class UndeclaredFailure(ContractError):
    """A service refused with a failure that its head does not list."""
