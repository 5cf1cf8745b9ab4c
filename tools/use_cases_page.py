"""Write docs/use-cases.md from the services' own heads: `python tools/use_cases_page.py`."""

from __future__ import annotations

import os
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "use-cases.md"

HEAD = """# Use cases

Every use case of the business, as the head of its service shows it: what goes in, what it works with, what comes out, its
steps in order, and how it may refuse. `make map` prints the same; `make docs` writes this page from the code.

"""


def render() -> str:
    """The whole page. Needs Django to be set up."""
    import mutoscope.platform
    import mutoscope.web
    from mutoscope.engines.services import find_services, render_markdown

    return (HEAD + render_markdown(find_services(mutoscope.platform, mutoscope.web))).rstrip() + "\n"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mutoscope.web.settings")
    import django

    django.setup()
    PAGE.write_text(render())
