"""Django's settings, all of them derived from the environment (environment.py) and from where the project lies."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mutoscope.engines.postgres.conninfo import database_settings
from mutoscope.engines.postgres.embedded import EmbeddedServer
from mutoscope.web import content_security
from mutoscope.web.environment import home_directory, read_environment
from mutoscope.web.film_storage import film_storage
from mutoscope.web.observe import logs
from mutoscope.web.payments import explorer_address, solana_settings, top_up_settings
from mutoscope.web.secret_key import secret_key, video_keys
from mutoscope.web.sign_in import sign_in_settings
from mutoscope.web.static_files import manifest_name

ENVIRONMENT = read_environment()
HOME = home_directory(ENVIRONMENT)
PACKAGE = Path(__file__).resolve().parent

DEBUG = False
SANDBOX = not ENVIRONMENT.is_production
SECRET_KEY = secret_key(ENVIRONMENT)
SECRET_KEY_FALLBACKS = [key.get_secret_value() for key in ENVIRONMENT.secret_key_fallbacks]

SITE_URL = ENVIRONMENT.site_url
ALLOWED_HOSTS = [str(urlsplit(SITE_URL).hostname), *ENVIRONMENT.allowed_hosts]
if not ENVIRONMENT.is_production:
    ALLOWED_HOSTS += ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [SITE_URL]

INSTALLED_APPS = [
    "mutoscope.engines.ledger",
    "mutoscope.engines.postgres",
    "mutoscope.engines.sequences",
    "mutoscope.engines.solana",
    "mutoscope.engines.tasks",
    "mutoscope.platform.accounts",
    "mutoscope.platform.analytics",
    "mutoscope.platform.billing",
    "mutoscope.platform.support",
    "mutoscope.platform.videos",
    "mutoscope.web",
    "mutoscope.web.operator_app.OperatorConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
]

MIDDLEWARE = [
    "mutoscope.web.observe.middleware.ObserveMiddleware",
    "mutoscope.web.client_address.ClientAddressMiddleware",
    "mutoscope.web.health.probes.ProbeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "mutoscope.web.content_security.SecurityHeadersMiddleware",
    "mutoscope.web.content_security.ContentSecurityMiddleware",
    # Around the guard, so that what the guard refuses has a page and the same headers as everything else.
    "mutoscope.web.errors.ErrorPagesMiddleware",
    "mutoscope.web.guard.GuardMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "mutoscope.platform.accounts.sign_in.recognition.RecognitionMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
]

ROOT_URLCONF = "mutoscope.web.urls"
WSGI_APPLICATION = "mutoscope.web.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # A feature's templates lie in its own folder and are named after it: "accounts/channels/show.html".
        "DIRS": [PACKAGE / "templates", PACKAGE.parent / "platform"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "mutoscope.web.context.site",
            ],
            "builtins": ["mutoscope.web.templatetags.components", "mutoscope.web.templatetags.moments"],
        },
    }
]

# Statements so large that sending one keeps a thread: of each process's threads at most a quarter.
LARGE_FILES_AT_ONCE = max(1, ENVIRONMENT.web_threads // 4)

# Two connections from the start. `default` may go through a transaction pooler; `direct` never does, and is for what
# a pooler breaks: migrations, LISTEN, cursors that outlive a transaction, session advisory locks.
_server = EmbeddedServer(HOME / "postgres")
EMBEDDED_SERVER = None if ENVIRONMENT.database_url else _server
_default_url = ENVIRONMENT.database_url.get_secret_value() if ENVIRONMENT.database_url else _server.url()
DATABASE_DIRECT_URL = (
    ENVIRONMENT.database_direct_url.get_secret_value() if ENVIRONMENT.database_direct_url else _default_url
)
# Only the web server, which answers many requests at once, keeps a pool; `mutoscope web` says so.
_pool = (
    {"min_size": 1, "max_size": ENVIRONMENT.database_pool_size, "timeout": 5}
    if os.environ.get("MUTOSCOPE_ROLE") == "web"
    else None
)
DATABASES = {
    "default": database_settings(_default_url, pool=_pool),
    "direct": database_settings(DATABASE_DIRECT_URL, mirror="default"),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TASKS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "mutoscope.engines.tasks.queue.backend.PostgresBackend",
        "QUEUES": ["default", "films"],
    }
}

# Where payments arrive and who says so (engines/solana), and what a token is worth (platform/billing/topup).
MUTOSCOPE_SOLANA = solana_settings(ENVIRONMENT)
TOP_UPS = top_up_settings(ENVIRONMENT)

# Read by `mutoscope signer` alone.
SOLANA_SIGNER_CONFIGURATION = ENVIRONMENT.signer_config or HOME / "signer" / "signer.toml"

AUTH_USER_MODEL = "accounts.Person"
# allauth's alone: it is Django's own with sign-in by email, and two of them would hash each wrong password twice.
AUTHENTICATION_BACKENDS = ["mutoscope.platform.accounts.sign_in.recognition.AuthenticationBackend"]
SESSION_ENGINE = "mutoscope.platform.accounts.sign_in.recognition"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
globals().update(sign_in_settings(ENVIRONMENT))

# Counted in PostgreSQL, so that a limit on sign-ins holds across every process. Made by web/migrations/0001.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "web_cache",
        "OPTIONS": {"MAX_ENTRIES": 20_000, "CULL_FREQUENCY": 4},
    }
}

CONTENT_SECURITY_POLICY = content_security.POLICY
CSRF_FAILURE_VIEW = "mutoscope.web.errors.csrf_failure"
# Scripts read it at submit: a sign-in in another tab changes it after this page was made (static/js/csrf.js).
CSRF_COOKIE_HTTPONLY = False
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 30 * 24 * 3600
if ENVIRONMENT.is_https:
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
else:
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "session", "csrf"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if ENVIRONMENT.is_production and ENVIRONMENT.is_https:
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_SSL_REDIRECT = True
    # Whoever asks whether this process is well asks it directly, without TLS.
    SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$", r"^metrics$"]
if ENVIRONMENT.trusted_proxies:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# HSTS for subdomains and for browsers' preload lists would bind names that are not this site's to bind.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# Written into a table and sent by a worker (platform/support/mail).
EMAIL_BACKEND = "mutoscope.platform.support.mail.backend.OutboxBackend"
DEFAULT_FROM_EMAIL = SERVER_EMAIL = ENVIRONMENT.mail_from
MAIL_URL = ENVIRONMENT.mail_url

# What the site keeps of each sale, and when creators are paid (platform/billing).
FEE_BPS = ENVIRONMENT.fee_bps
PAYOUT_POINTS_MIN = ENVIRONMENT.payout_points_min
PAYOUT_DELAY_DAYS = ENVIRONMENT.payout_delay_days
PAYOUT_APPROVAL_POINTS = ENVIRONMENT.payout_approval_points
PAYOUT_BY = ENVIRONMENT.payout_by
PAYOUT_TOKEN = ENVIRONMENT.payout_token
PAYOUT_POINT_USD = ENVIRONMENT.payout_point_usd
SWEEP_USD_MIN = ENVIRONMENT.sweep_usd_min
SWEEP_HOLD_DAYS = ENVIRONMENT.sweep_hold_days
# In the sandbox the signer is configured for it.
REFUND_ELSEWHERE = ENVIRONMENT.refund_elsewhere or SANDBOX
# Where a person looks at a transaction, by its signature.
EXPLORER_TRANSACTION = explorer_address(ENVIRONMENT)

STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
MEDIA_URL = "/media/"
MEDIA_ROOT = HOME / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Films as viewers get them: encrypted, so that anybody may hold them. Apart from what people sent in, to which no
    # address leads.
    "films": film_storage(ENVIRONMENT, HOME, "films"),
    "originals": film_storage(ENVIRONMENT, HOME, "originals"),
    "staticfiles": {"BACKEND": "mutoscope.web.static_files.SiteStaticFiles"},
}
# What is on its way in, and what workers write while they encode.
UPLOADS_FOLDER = HOME / "uploads"
VIDEO_WORK_FOLDER = HOME / "work"
UPLOAD_BYTES_MAX = ENVIRONMENT.upload_gb_max * 1000**3
CHANNEL_BYTES_MAX = ENVIRONMENT.channel_gb_max * 1000**3
UPLOADS_WITHOUT_WALLS = ENVIRONMENT.uploads_without_walls
# Counted from the last byte that came.
UPLOAD_LIFETIME_S = 3 * 24 * 3600
# One request's share of an upload. The pages send 8 MiB at a time.
UPLOAD_CHUNK_BYTES_MAX = 128 * 1024 * 1024
VIDEO_ENCODERS = ENVIRONMENT.video_encoders
VIDEO_PRESET = ENVIRONMENT.video_preset
VIDEO_CRF = ENVIRONMENT.video_crf
VIDEO_AV1 = ENVIRONMENT.video_av1
# The signer has none, and must not have any.
VIDEO_KEYS = [] if os.environ.get("MUTOSCOPE_ROLE") == "signer" else video_keys(ENVIRONMENT)
STREAMS_PER_VIEWER = ENVIRONMENT.streams_per_viewer
# Before this release's first `collectstatic`, files are served from where they lie.
STATIC_MANIFEST = manifest_name(PACKAGE / "static")
WHITENOISE_ALLOW_ALL_ORIGINS = False
WHITENOISE_USE_FINDERS = not (STATIC_ROOT / STATIC_MANIFEST).exists()

# Bounds on what a request may carry. The guard refuses by declared length, Django by what it reads.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 10
FORM_UPLOAD_BYTES_MAX = 20 * 1024 * 1024

LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = logs.configure(ENVIRONMENT)

LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = "mutoscope.web.formats"
TIME_ZONE = "UTC"
USE_TZ = True
