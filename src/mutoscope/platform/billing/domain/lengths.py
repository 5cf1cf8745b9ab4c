"""How long texts may be, in characters."""

KEY_LENGTH_MAX = 100
REASON_LENGTH_MAX = 500
