"""Whether this installation may trade real money at all.

Asked when a bot is made live, at each of its starts, and at each of its ticks: a stack that is restarted with DEBUG on
must not go on trading.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterator

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from bots.errors import ModeRefused
from bots.models import Bot, BotMode

# As django.core.checks.security counts (W009).
_SECRET_KEY_LENGTH = 50
_SECRET_KEY_CHARACTERS = 5
# 32 random bytes hold fewer different ones than this once in 10^30 times.
_ENCRYPTION_KEY_BYTES = 8
_DEFAULT_PASSWORDS = frozenset({"postgres", "password", "traderagent", "changeme", "secret", "admin", "root"})


def refuse_live(bot: Bot) -> None:
    """Raises ``ModeRefused`` for a live bot where real money must not be traded, naming every obstacle."""
    if bot.mode != BotMode.LIVE or settings.ALLOW_LIVE:
        return
    if found := list(obstacles()):
        raise ModeRefused(
            f"mode live is refused here: {'; '.join(found)}. Mend that, or set TRADERAGENT_ALLOW_LIVE=1 to force it."
        )


def obstacles() -> Iterator[str]:
    """Each reason why real money is not to be traded in this installation, as half a sentence."""
    if settings.DEBUG:
        yield "DEBUG is on"
    if settings.EMBEDDED:
        yield "this is the embedded stack, which is for trying things out"
    if _is_weak_key(settings.SECRET_KEY):
        yield "SECRET_KEY is a default or too simple (50 random characters are asked for)"
    if any(_is_weak_encryption_key(key) for key in settings.FIELD_ENCRYPTION_KEY):
        yield "FIELD_ENCRYPTION_KEY is not random"
    if str(settings.DATABASES["default"].get("PASSWORD", "")).lower() in _DEFAULT_PASSWORDS:
        yield "the database has a default password (DATABASE_URL)"
    password = os.environ.get("DEMO_PASSWORD")
    if password and _is_weak_password(password):
        yield "DEMO_PASSWORD is easily guessed"


def _is_weak_key(key: str) -> bool:
    return len(key) < _SECRET_KEY_LENGTH or len(set(key)) < _SECRET_KEY_CHARACTERS or key.startswith("django-insecure-")


def _is_weak_encryption_key(key: str) -> bool:
    try:
        return len(set(base64.urlsafe_b64decode(key))) < _ENCRYPTION_KEY_BYTES
    except (binascii.Error, ValueError):
        return True


def _is_weak_password(password: str) -> bool:
    if password.lower() in _DEFAULT_PASSWORDS:
        return True
    try:
        validate_password(password)
    except ValidationError:
        return True
    return False
