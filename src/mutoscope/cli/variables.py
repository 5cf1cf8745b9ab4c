"""Environment variables that look like ours and that nothing reads."""

from __future__ import annotations

import difflib
import os

from mutoscope.web.environment import Environment

# Set by our own processes for each other.
INTERNAL = frozenset({"MUTOSCOPE_ROLE", "MUTOSCOPE_SUPERVISOR"})


def unread_variables() -> list[str]:
    """Each with the name that may have been meant, a question mark behind it. Others may use the prefix too, so it is no error."""
    known = {str(field.validation_alias) for field in Environment.model_fields.values()} | INTERNAL
    unknown = sorted(name for name in os.environ if name.startswith("MUTOSCOPE_") and name not in known)
    return [
        f"{name} ({meant[0]}?)" if (meant := difflib.get_close_matches(name, known, 1)) else name for name in unknown
    ]
