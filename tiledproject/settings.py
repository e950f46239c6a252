"""Django's settings, all of them derived from the site's (`tiledproject.config.settings_model`)."""

from __future__ import annotations

import os
import socket

from streaming.redis.clients import channel_layer_host
from streaming.shards import site_shard

from .config.databases import django_database
from .config.directories import create_directories
from .config.locations import PROJECT, private_code
from .config.secrets import with_secrets
from .config.server import ServerSettings
from .config.settings_model import load
from .logs.configuration import logging_configuration

_site = load(os.environ)
create_directories(_site)
TILED = with_secrets(_site)

BASE_DIR = PROJECT
PRIVATE_CODE = private_code()
DEBUG = TILED.server.debug
SECRET_KEY = TILED.server.secret_key


def _allowed_hosts(server: ServerSettings) -> list[str]:
    if server.host in {"0.0.0.0", "::"} and not server.allowed_hosts:  # noqa: S104
        # On all networks, the names of this machine are unknown.
        return ["*"]
    here = socket.gethostname()
    return [
        "localhost",
        ".localhost",
        "127.0.0.1",
        "[::1]",
        here,
        server.host,
        *server.allowed_hosts,
    ]


ALLOWED_HOSTS = _allowed_hosts(TILED.server)
USE_X_FORWARDED_HOST = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

INSTALLED_APPS = [
    # First, so that `runserver` is the site's own, which runs Daphne. As an application, Daphne and
    # Twisted would be loaded by every process.
    "tiledproject",
    "channels",
    "core",
    "access",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular_sidecar",
    "catalog",
    "streaming",
    "web",
]

# Middleware of pages. That of the API is in `handlers`.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "tiledproject.http.security_headers.security_headers_middleware",
]

# A proxy terminates TLS, and reports it in this header.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = TILED.server.tls
SECURE_HSTS_SECONDS = TILED.server.hsts_seconds if TILED.server.tls else 0
SESSION_ENGINE = "access.browser_sessions"
SESSION_COOKIE_AGE = TILED.authentication.browser_session_max_age
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "tiledproject.http.views.csrf_failure"
# HSTS for subdomains and preloading are for the owner of the domain to decide.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021", *TILED.server.silenced_checks]

ROOT_URLCONF = "tiledproject.urls"
ASGI_APPLICATION = "tiledproject.asgi.application"
# A redirect would lose the body of a PUT or PATCH; the paths of the wire are exact.
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

DATABASES = {"default": django_database(TILED.database.uri)}
if TILED.database.replica_uri is not None:
    DATABASES["replica"] = django_database(TILED.database.replica_uri)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# One write may be a whole array: bodies are limited by `server.max_body_bytes`.
DATA_UPLOAD_MAX_MEMORY_SIZE = None

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

AUTHENTICATION_BACKENDS = [
    # First, because it throttles failed attempts.
    "access.backends.PasswordBackend",
    "access.backends.ApiKeyBackend",
]

REST_FRAMEWORK = {
    "EXCEPTION_HANDLER": "access.api.exception_handler.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_SCHEMA_CLASS": "catalog.api.schema.views.ViewSchema",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "tiled-stream",
    "DESCRIPTION": (
        "Scientific data, and streams of updates while data are being written. Responses without "
        "data are JSON, or msgpack if `Accept` prefers `application/x-msgpack`. Streams are "
        "WebSockets under `/api/v1/stream/single/{path}`, which OpenAPI cannot describe."
    ),
    "OAS_VERSION": "3.1.0",
    "SORT_OPERATIONS": False,
}

# For control messages only. Without a Redis there are no streams, and nothing to control.
CHANNEL_LAYERS = (
    {
        "default": {
            # The pub/sub layer, which loses no messages to a full queue and has one connection per
            # process.
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {
                "hosts": [channel_layer_host(site_shard(TILED.streaming_cache))],
                "prefix": f"{TILED.streaming_cache.prefix}:channels",
            },
        }
    }
    if TILED.streaming_cache.uri
    else {}
)

# By default, Daphne rejects WebSocket messages over 1 MiB.
DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE = 2**31 - 1
DAPHNE_WEBSOCKET_MAX_FRAME_SIZE = 2**31 - 1

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "tiledproject.http.static_files.VersionedStaticFiles"},
}

LOGGING = logging_configuration(TILED.server.log_level, TILED.logs)
