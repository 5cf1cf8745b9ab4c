"""Our instructions against another library's, byte for byte."""

from __future__ import annotations

from solders.pubkey import Pubkey
from spl.token import instructions as theirs
from spl.token import models
from spl.token.constants import ASSOCIATED_TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID

from mutoscope.engines.solana.signer import programs

A, B, C, D = (Pubkey.new_unique() for _ in range(4))


def test_addresses_of_programs() -> None:
    assert (programs.TOKEN, programs.TOKEN_2022) == (TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID)
    assert programs.ASSOCIATED_TOKEN == ASSOCIATED_TOKEN_PROGRAM_ID


def test_associated_accounts() -> None:
    for program in (programs.TOKEN, programs.TOKEN_2022):
        assert programs.token_account(A, B, program) == theirs.get_associated_token_address(A, B, program)
        made = theirs.create_idempotent_associated_token_account(C, A, B, program)
        assert programs.create_token_account(C, A, B, program) == made


def test_transfers() -> None:
    parameters = models.TransferCheckedParams(
        program_id=programs.TOKEN, source=A, mint=B, dest=C, owner=D, amount=2**63, decimals=6
    )
    assert programs.send_tokens(programs.TOKEN, B, A, C, D, 2**63, 6) == theirs.transfer_checked(parameters)


def test_closing_and_harvesting() -> None:
    closed = theirs.close_account(models.CloseAccountParams(program_id=programs.TOKEN, account=A, dest=B, owner=C))
    assert programs.close_token_account(programs.TOKEN, A, B, C) == closed
    parameters = models.HarvestWithheldTokensToMintParams(program_id=programs.TOKEN_2022, mint=A, sources=[B])
    assert programs.harvest_withheld_fees(A, B) == theirs.harvest_withheld_tokens_to_mint(parameters)
