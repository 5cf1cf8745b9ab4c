"""Solana's JSON form of a transaction's error, such as {"InstructionError": [0, {"Custom": 1}]}."""

from __future__ import annotations

from typing import Any

from solders.transaction_status import (
    InstructionErrorBorshIO,
    InstructionErrorCustom,
    TransactionErrorDuplicateInstruction,
    TransactionErrorFieldless,
    TransactionErrorInstructionError,
    TransactionErrorInsufficientFundsForRent,
    TransactionErrorProgramExecutionTemporarilyRestricted,
)

# How a node words them in the message of a preflight failure. Source: Agave's `sdk/transaction-error/src/lib.rs`.
SENTENCES = {
    "AccountNotFound": "Attempt to debit an account but found no record of a prior credit.",
    "AlreadyProcessed": "This transaction has already been processed",
    "BlockhashNotFound": "Blockhash not found",
    "InsufficientFundsForFee": "Insufficient funds for fee",
    "InvalidAccountForFee": "This account may not be used to pay transaction fees",
    "SignatureFailure": "Transaction did not pass signature verification",
    "AddressLookupTableNotFound": "Transaction loads an address table account that doesn't exist",
    "InvalidAddressLookupTableIndex": "Transaction address table lookup uses an invalid index",
    "ProgramAccountNotFound": "Attempt to load a program that does not exist",
}


def error_json(error: Any) -> Any:
    """The JSON form of one of solders' transaction errors."""
    match error:
        case TransactionErrorFieldless():
            return _name(error)
        case TransactionErrorInstructionError():
            return {"InstructionError": [error.index, _instruction_error(error.err)]}
        case TransactionErrorDuplicateInstruction():
            return {"DuplicateInstruction": error.index}
        case TransactionErrorInsufficientFundsForRent():
            return {"InsufficientFundsForRent": {"account_index": error.account_index}}
        case TransactionErrorProgramExecutionTemporarilyRestricted():
            return {"ProgramExecutionTemporarilyRestricted": {"account_index": error.account_index}}
    return str(error)


def sentence(error: Any) -> str:
    """What a node says of it."""
    if isinstance(error, str):
        return SENTENCES.get(error, error)
    if "InstructionError" in error:
        index, reason = error["InstructionError"]
        if isinstance(reason, dict) and "Custom" in reason:
            return f"Error processing Instruction {index}: custom program error: {reason['Custom']:#x}"
        return f"Error processing Instruction {index}: {reason}"
    if "InsufficientFundsForRent" in error:
        index = error["InsufficientFundsForRent"]["account_index"]
        return f"Transaction results in an account ({index}) with insufficient funds for rent"
    return str(error)


def _instruction_error(error: Any) -> Any:
    if isinstance(error, InstructionErrorCustom):
        return {"Custom": error.code}
    if isinstance(error, InstructionErrorBorshIO):
        return {"BorshIoError": error.value}
    return _name(error)


def _name(error: Any) -> str:
    return str(error).rpartition(".")[2]
