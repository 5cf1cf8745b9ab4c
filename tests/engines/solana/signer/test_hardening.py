"""The process keeps its memory to itself, and no page of the admin shows a sealed seed."""

from __future__ import annotations

import ctypes
import resource

from django.contrib import admin

from mutoscope.engines.solana.signer.hardening import harden
from mutoscope.engines.solana.signer.models import SealedSeed
from mutoscope.engines.solana.signer.vault import in_child

PR_GET_DUMPABLE = 3


def test_a_hardened_process_leaves_no_core_and_cannot_be_looked_into() -> None:
    def look() -> list[int]:
        harden()
        dumpable = ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)
        return [dumpable, *resource.getrlimit(resource.RLIMIT_CORE)]

    assert in_child(look) == [0, 0, 0]


def test_no_page_of_the_admin_shows_a_sealed_seed() -> None:
    admin.autodiscover()
    assert not admin.site.is_registered(SealedSeed)
