"""The WSGI application that `mutoscope web` serves with granian."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mutoscope.web.settings")

application = get_wsgi_application()
