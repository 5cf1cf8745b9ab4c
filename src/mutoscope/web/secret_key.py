"""The keys that sign sessions and seal films: the operator's own, or made once for the sandbox and kept in private files."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

from mutoscope.web.environment import Environment, WrongEnvironment, home_directory


def secret_key(environment: Environment) -> str:
    """The secret key, at least 50 characters. Raises WrongEnvironment when production has none."""
    if environment.secret_key is not None:
        return environment.secret_key.get_secret_value()
    if environment.is_production:
        raise WrongEnvironment(
            {
                "MUTOSCOPE_SECRET_KEY": "must be set in production. For example: "
                'MUTOSCOPE_SECRET_KEY="$(openssl rand -base64 48)", kept where only the service can read it'
            }
        )
    return _kept_in(home_directory(environment) / "secrets" / "secret_key", secrets.token_urlsafe(48))


def video_keys(environment: Environment) -> list[str]:
    """What seals the keys of films, then what sealed them earlier. Raises WrongEnvironment when production has none."""
    earlier = [key.get_secret_value() for key in environment.video_key_fallbacks]
    if environment.video_key is not None:
        return [environment.video_key.get_secret_value(), *earlier]
    if environment.is_production:
        raise WrongEnvironment(
            {
                "MUTOSCOPE_VIDEO_KEY": "must be set in production. For example: "
                'MUTOSCOPE_VIDEO_KEY="$(openssl rand -base64 32)", kept where only the service can read it'
            }
        )
    made = base64.b64encode(secrets.token_bytes(32)).decode()
    return [_kept_in(home_directory(environment) / "secrets" / "video_key", made), *earlier]


def _kept_in(path: Path, made: str) -> str:
    """What the file holds; `made`, if it was not there."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Written aside and linked into place: of two processes that start together, both end with the same key.
        aside = path.with_name(f"{path.name}.{os.getpid()}")
        aside.touch(mode=0o600)
        aside.write_text(made + "\n")
        try:
            os.link(aside, path)
        except FileExistsError:
            pass
        finally:
            aside.unlink()
        return path.read_text().strip()
