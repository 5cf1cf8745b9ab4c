"""What a username or a channel's handle may be, and which two of them look alike.

A name is ASCII and lower case, so that no two alphabets can spell the same word. Within ASCII some letters still pass for
others (0 and o, 1 and l and i, rn and m, vv and w), so each name has a skeleton, and two names with one skeleton cannot
both exist. The database computes the same skeleton in a generated column with a unique index (accounts/models.py): what
is here is for telling a person early; what is there is what holds.
"""

from __future__ import annotations

import re
from enum import StrEnum

LENGTH_MIN = 3
LENGTH_MAX = 30

# PostgreSQL reads the same pattern in a CHECK constraint.
PATTERN = rf"\A[a-z0-9][a-z0-9_-]{{{LENGTH_MIN - 2},{LENGTH_MAX - 2}}}[a-z0-9]\Z"

# Letter for letter; what has no counterpart is dropped. PostgreSQL's translate() takes the same two strings.
SKELETON_FROM = "01i-_"
SKELETON_TO = "oll"
# Spread out rather than drawn together: from "vvv" one could draw together "wv" or "vw", spread out there is one answer.
SKELETON_SPREAD = (("m", "rn"), ("w", "vv"))
SKELETON_LENGTH_MAX = LENGTH_MAX * 2

_TRANSLATION = {
    ord(letter): SKELETON_TO[place] if place < len(SKELETON_TO) else None for place, letter in enumerate(SKELETON_FROM)
}

# How closed accounts and their channels are called, with a number behind. Nobody may be called so meanwhile.
CLOSED_ACCOUNT = "closed-account-"
CLOSED_CHANNEL = "closed-channel-"

# Words that would let a person speak for the site, or that are (or may become) an address of it.
RESERVED = frozenset(
    re.findall(
        r"\S+",
        """
        about abuse account accounts admin administrator anonymous api app apps assets auth billing blog bot
        channel channels checkout clips contact copyright creator creators dashboard demo dev dmca docs donate
        download edge email embed error example explore faq feed feedback film films follow for gallery get
        guest healthz help home host hosting htmx info invoice jobs join keys latest legal library link links
        livez localhost login logout mail mailer mailer-daemon media message messages metrics mod moderation
        moderator movie movies mutoscope new news no-reply nobody noreply notifications null oauth official
        operator operators outbox owner payment payments payout payouts player playlist points police postmaster
        press pricing privacy profile public readyz refund refunds register report robots root rss sandbox
        search secure security self service sessions settings shop sign-in sign-out sign-up signin signout
        signup site sitemap solana staff static status store studio subscribe support sweep sysadmin system tag
        tags team terms test tickets tip tips top-up topup trending trust undefined unlock unsubscribe upload
        uploads usdc user users verified video videos wallet watch webhook webhooks webmaster welcome
        """,
    )
)


class NameProblem(StrEnum):
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    LETTERS = "letters"
    EDGES = "edges"
    RESERVED = "reserved"


SENTENCES = {
    NameProblem.TOO_SHORT: f"Use at least {LENGTH_MIN} characters.",
    NameProblem.TOO_LONG: f"Use at most {LENGTH_MAX} characters.",
    NameProblem.LETTERS: "Use only the letters a to z, digits, hyphens and underscores.",
    NameProblem.EDGES: "Begin and end with a letter or a digit.",
    NameProblem.RESERVED: "This name is kept for the site itself. Choose another one.",
}


class BadName(Exception):
    """This cannot be a username or a handle, whoever asks."""

    def __init__(self, problem: NameProblem) -> None:
        self.problem = problem
        super().__init__(SENTENCES[problem])


def canonical(typed: str) -> str:
    """The one spelling of a name: lower case, without space around it and without a leading @."""
    return typed.strip().removeprefix("@").lower()


def parse_name(typed: str) -> str:
    """The canonical name that was typed. Raises BadName."""
    name = canonical(typed)
    if len(name) < LENGTH_MIN:
        raise BadName(NameProblem.TOO_SHORT)
    if len(name) > LENGTH_MAX:
        raise BadName(NameProblem.TOO_LONG)
    if not re.fullmatch(r"[a-z0-9_-]+", name):
        raise BadName(NameProblem.LETTERS)
    if not re.fullmatch(PATTERN, name):
        raise BadName(NameProblem.EDGES)
    if skeleton(name) in _RESERVED_SKELETONS or skeleton(name).startswith(_CLOSED_SKELETONS):
        raise BadName(NameProblem.RESERVED)
    return name


def skeleton(name: str) -> str:
    """What is left of a name when look-alike letters are taken as one."""
    spread = name.lower().translate(_TRANSLATION)
    for letter, letters in SKELETON_SPREAD:
        spread = spread.replace(letter, letters)
    return spread


_RESERVED_SKELETONS = frozenset(skeleton(word) for word in RESERVED)
_CLOSED_SKELETONS = (skeleton(CLOSED_ACCOUNT), skeleton(CLOSED_CHANNEL))
