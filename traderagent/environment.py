"""Typed reading of the process environment. A missing or malformed value is one clear sentence, never a default secret."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


def text(name: str, default: str | None = None) -> str:
    """``$NAME``, or the contents of the file that ``$NAME_FILE`` points to, or the default."""
    value = os.environ.get(name)
    if value:
        return value
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE={path} cannot be read: {error.strerror}.") from error
    if default is not None:
        return default
    raise ImproperlyConfigured(
        f"{name} is not set. Set {name}, or {name}_FILE to a file that holds it; "
        "or start everything with `make demo`, which makes its own."
    )


def boolean(name: str, default: bool = False) -> bool:
    value = text(name, "1" if default else "0").lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise ImproperlyConfigured(f"{name}={value} is not a yes or a no: use 1 or 0.")


def integer(name: str, default: int, *, minimum: int = 0) -> int:
    value = text(name, str(default))
    try:
        number = int(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}={value} is not a whole number.") from error
    if number < minimum:
        raise ImproperlyConfigured(f"{name}={number} is below {minimum}.")
    return number


def choice(name: str, choices: tuple[str, ...]) -> str:
    """One of ``choices``; the first where nothing is set."""
    value = text(name, choices[0])
    if value not in choices:
        raise ImproperlyConfigured(f"{name}={value} is none of {', '.join(choices)}.")
    return value


def names(name: str, default: str = "") -> list[str]:
    """A comma-separated list."""
    return [item.strip() for item in text(name, default).split(",") if item.strip()]


def secret_names(name: str) -> list[str]:
    """A comma-separated list that must not be empty."""
    values = [item.strip() for item in text(name).split(",") if item.strip()]
    if not values:
        raise ImproperlyConfigured(f"{name} is empty.")
    return values


def database(name: str = "DATABASE_URL") -> dict[str, object]:
    """Django's settings for ``postgresql://user:password@host:port/name?host=/socket/dir&sslmode=…``."""
    url = urlsplit(text(name))
    if url.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(f"{name} must start with postgresql://, not {url.scheme or 'nothing'}://.")
    options = dict(parse_qsl(url.query))
    host = options.pop("host", "") or (url.hostname or "")
    database_name = unquote(url.path.lstrip("/"))
    if not database_name:
        raise ImproperlyConfigured(f"{name} names no database: postgresql://user:password@host:5432/NAME.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": database_name,
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": host,
        "PORT": str(url.port or options.pop("port", "")),
        "OPTIONS": options,
    }


def channel_layer(redis_url: str) -> dict[str, object]:
    """Channels' settings for the pages' sockets.

    Redis' PUBLISH reaches every database of a server, so the database's number is told in the names: installations that
    share a server do not hear each other.
    """
    number = urlsplit(redis_url).path.lstrip("/") or "0"
    return {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [redis_url], "prefix": f"traderagent-{number}-"},
    }
