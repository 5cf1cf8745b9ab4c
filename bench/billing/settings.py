"""The site's own settings, with one address more: the indexed SELECT that the unlock is compared with."""

from mutoscope.web.settings import *  # noqa: F403

ROOT_URLCONF = "bench.billing.urls"
