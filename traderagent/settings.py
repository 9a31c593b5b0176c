"""All settings, from the environment. See docs/operations.md for the table."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from traderagent import environment
from traderagent.celery import app as celery_app  # noqa: F401  whoever sends a task sends it through this one
from traderagent.logs import logging_config
from traderagent.research_settings import BASE_DIR, CANDLE_STORE, HOME, STRATEGIES_DIR  # noqa: F401

# --- The stack -------------------------------------------------------------------------------------------------
EMBEDDED = environment.boolean("TRADERAGENT_EMBEDDED")
SIMULATOR_URL = environment.text("SIMULATOR_URL", "")
ALLOW_LIVE = environment.boolean("TRADERAGENT_ALLOW_LIVE")

# Who bears it may read /metrics. Without one: staff, and programs on this machine.
METRICS_TOKEN = environment.text("METRICS_TOKEN", "")

# --- Security --------------------------------------------------------------------------------------------------
SECRET_KEY = environment.text("SECRET_KEY")
FIELD_ENCRYPTION_KEY = environment.secret_names("FIELD_ENCRYPTION_KEY")
DEBUG = environment.boolean("DEBUG")
ALLOWED_HOSTS = environment.names("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = environment.names("CSRF_TRUSTED_ORIGINS")
# The embedded stack speaks plain HTTP on the loopback address; everything else is behind TLS.
HTTPS = environment.boolean("HTTPS", default=not (EMBEDDED or DEBUG))
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health(/live)?$", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if environment.boolean("BEHIND_PROXY") else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

# --- Applications ----------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "encrypted_model_fields",
    "django_celery_beat",
    "accounts",
    "exchange",
    "bots",
    "backtests",
    "traderagent.parity",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "traderagent.urls"
ASGI_APPLICATION = "traderagent.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"

# --- Data ------------------------------------------------------------------------------------------------------
DATABASES = {"default": environment.database()}
# Connections live as long as their thread: workers and Daphne's thread pools are bounded, so connections are too.
DATABASES["default"]["CONN_MAX_AGE"] = None
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = environment.text("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "traderagent.page_cache.ForgetfulRedisCache",
        "LOCATION": REDIS_URL,
        # A page does not wait long for what it can do without.
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
}
CHANNEL_LAYERS = {"default": environment.channel_layer(REDIS_URL)}

# --- Language and time -----------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

# --- Static files ----------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(environment.text("STATIC_ROOT", str(HOME / "static")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
# Serving straight from the source folders spares the embedded stack a collectstatic at every start.
WHITENOISE_USE_FINDERS = EMBEDDED or DEBUG
WHITENOISE_AUTOREFRESH = DEBUG

# --- Workers ---------------------------------------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "research"
CELERY_TASK_ROUTES = {"bots.tasks.tick_bot": {"queue": "ticks"}}
CELERY_BEAT_SCHEDULE = {
    "prune records": {"task": "bots.tasks.prune_records", "schedule": timedelta(days=1)},
    "renew watchlist": {"task": "bots.tasks.renew_watchlist", "schedule": timedelta(minutes=1)},
    "resume abandoned research": {"task": "backtests.tasks.resume_abandoned", "schedule": timedelta(seconds=30)},
}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 4
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# After Redis went away, a worker that reconnects by itself may never take another task, without a word about it
# (celery/celery#8030, #10205). So it finishes its ticks and ends, and whoever keeps it running starts it anew.
CELERY_BROKER_CONNECTION_RETRY = False
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"

# --- Bots ------------------------------------------------------------------------------------------------------
# Prices older than this are not traded on.
PRICE_MAX_AGE_SECONDS = environment.integer("PRICE_MAX_AGE_SECONDS", 10, minimum=1)
# Nor prices that the exchange itself dates this far back when it gives them.
PRICE_MAX_LAG_SECONDS = environment.integer("PRICE_MAX_LAG_SECONDS", 30, minimum=1)
# What the gate before every order refuses: more orders of one bot within a minute, and orders that would trade at once
# this far from the last price.
BOT_ORDERS_PER_MINUTE = environment.integer("BOT_ORDERS_PER_MINUTE", 1200, minimum=1)
ORDER_PRICE_DEVIATION_PERCENT = Decimal(environment.integer("ORDER_PRICE_DEVIATION_PERCENT", 25, minimum=1))
# What becomes of orders at an exchange that carry a bot's mark and are not in its books.
STRAY_ORDERS = environment.choice("STRAY_ORDERS", ("cancel", "adopt"))

# --- Back-tests ------------------------------------------------------------------------------------------------
# Results, and the candles that workers map: shared by all machines that run workers or the web server.
BACKTESTS_DIR = Path(environment.text("BACKTESTS_DIR", str(HOME / "backtests")))
# A worker that was not heard of for so long is taken for dead, and its work goes to another one.
RESEARCH_LEASE_SECONDS = environment.integer("RESEARCH_LEASE_SECONDS", 60, minimum=2)

# --- API -------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework_simplejwt.authentication.JWTAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 50,
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "traderagent.problems.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SIMPLE_JWT = {"ACCESS_TOKEN_LIFETIME": timedelta(minutes=30), "REFRESH_TOKEN_LIFETIME": timedelta(days=7)}
SPECTACULAR_SETTINGS = {
    "TITLE": "TraderAgent",
    "DESCRIPTION": "Run, watch and explain crypto trading bots.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    # Of JSON schemas as results have them: something or null.
    "OAS_VERSION": "3.1.0",
    # The page's scripts come from this server: the sidecar package holds them.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # Several things have a status; without names of their own the schema would number them.
    "ENUM_NAME_OVERRIDES": {
        "BotStatus": "bots.lifecycle.BotStatus",
        "JobStatus": "backtests.models.JobStatus",
        "StudyKind": "backtests.models.StudyKind",
        "EventKind": "bots.models.EventKind",
        "OrderStatus": "bots.lifecycle.OrderStatus",
        "Side": "bots.models.order.SIDES",
        "OrderType": "bots.models.order.TYPES",
    },
}

# --- Logs ------------------------------------------------------------------------------------------------------
LOGGING = logging_config(
    level=environment.text("LOG_LEVEL", "INFO"), json=environment.text("LOG_FORMAT", "console") == "json"
)
