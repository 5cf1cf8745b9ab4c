"""Write docs/settings.md from the settings' own definitions: `python tools/settings_page.py`."""

from __future__ import annotations

from pathlib import Path

from pydantic.fields import FieldInfo

from mutoscope.web.environment import Environment

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"

HEAD = """# Settings

Everything is set by environment variables. `make up` needs none of them. A wrong value stops the start with the
variable's name, what is wrong with it, and an example. `mutoscope doctor` looks at what they lead to.

This page is written from the definitions in `src/mutoscope/web/environment.py` by `make docs`.

| Variable | Meaning | Default | Example |
|---|---|---|---|
"""


def render() -> str:
    """The whole page."""
    return HEAD + "".join(_row(field) for field in Environment.model_fields.values())


def _row(field: FieldInfo) -> str:
    example = field.examples[0] if field.examples else ""
    return f"| `{field.validation_alias}` | {field.description} | {_default(field)} | `{example}` |\n"


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None or field.default in (None, []):
        return ""
    return f"`{field.default}`"


if __name__ == "__main__":
    PAGE.write_text(render())
