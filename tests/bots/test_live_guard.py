"""Where real money must not be traded."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bots import live_guard, services
from bots.errors import ModeRefused
from bots.lifecycle import BotStatus
from bots.models import Bot, Event, EventKind
from bots.tick import TickOutcome, tick_bot
from tests.bots import cast

pytestmark = pytest.mark.django_db(transaction=True)

GOOD_KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()


@pytest.fixture
def sound(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An installation that may trade."""
    settings.ALLOW_LIVE = settings.DEBUG = settings.EMBEDDED = False
    settings.SECRET_KEY = "tQ8-vE3_yP0zR5kW7mN1aX4sD6fG9hJ2lB0cV8bU3iO5pA7q"
    settings.SECRET_KEY += "Zx"
    settings.FIELD_ENCRYPTION_KEY = [GOOD_KEY]
    monkeypatch.delenv("DEMO_PASSWORD", raising=False)
    monkeypatch.setitem(settings.DATABASES["default"], "PASSWORD", "")
    return settings


def live_bot(**fields: Any) -> Bot:
    account = cast.account("real", environment="live", base_url="")
    return cast.bot("earner", account=account, mode="live", **fields)


def test_a_sound_installation_has_no_obstacles(sound: Any) -> None:
    assert list(live_guard.obstacles()) == []


@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [
        ("DEBUG", True, "DEBUG is on"),
        ("EMBEDDED", True, "the embedded stack"),
        ("SECRET_KEY", "changeme", "SECRET_KEY"),
        ("SECRET_KEY", "a" * 60, "SECRET_KEY"),
        ("SECRET_KEY", "django-insecure-" + "tQ8-vE3_yP0zR5kW7mN1aX4sD6fG9hJ2lB0cV8bU3iO5", "SECRET_KEY"),
        ("FIELD_ENCRYPTION_KEY", [base64.urlsafe_b64encode(b"0" * 32).decode()], "FIELD_ENCRYPTION_KEY"),
        ("FIELD_ENCRYPTION_KEY", [GOOD_KEY, "not a key"], "FIELD_ENCRYPTION_KEY"),
    ],
)
def test_every_obstacle_is_named(sound: Any, setting: str, value: Any, named: str) -> None:
    setattr(sound, setting, value)
    (found,) = live_guard.obstacles()
    assert named in found


@pytest.mark.parametrize("password", ["demo", "password", "12345678", "traderagent"])
def test_a_guessable_demo_password_is_an_obstacle(sound: Any, monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setenv("DEMO_PASSWORD", password)
    assert list(live_guard.obstacles()) == ["DEMO_PASSWORD is easily guessed"]


def test_a_random_demo_password_is_none(sound: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_PASSWORD", "qX7-Lm2_vB9k")
    assert list(live_guard.obstacles()) == []


def test_a_default_database_password_is_an_obstacle(sound: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sound.DATABASES["default"], "PASSWORD", "postgres")
    (found,) = live_guard.obstacles()
    assert "DATABASE_URL" in found


def test_a_start_is_refused_with_all_of_them(sound: Any) -> None:
    bot = live_bot(run=0)
    sound.DEBUG, sound.SECRET_KEY = True, "changeme"
    with pytest.raises(
        ModeRefused, match=r"DEBUG is on; SECRET_KEY is a default .*TRADERAGENT_ALLOW_LIVE=1 to force it"
    ):
        services.start_bot(bot=bot, requested_by="alice")


def test_forced_by_name_nothing_stands_in_the_way(sound: Any) -> None:
    sound.DEBUG = sound.ALLOW_LIVE = True
    live_guard.refuse_live(live_bot())


def test_other_modes_are_never_in_the_way(sound: Any) -> None:
    sound.DEBUG = True
    live_guard.refuse_live(cast.bot())


def test_a_stack_restarted_with_debug_does_not_go_on_with_real_money(sound: Any) -> None:
    bot = live_bot(status=BotStatus.RUNNING)
    order = cast.order(bot, "buy", "0.1", "1500")
    sound.DEBUG = True
    for _ in range(2):
        outcome = tick_bot(bot.pk, clock=timezone.now, sync_max_age=timedelta(0), price_max_age=timedelta(0))
        assert outcome is TickOutcome.FAILED
    bot.refresh_from_db()
    order.refresh_from_db()
    # No exchange was asked for anything; the orders stand as they stood.
    assert (bot.status, bot.last_tick_at, order.status) == (BotStatus.RUNNING, None, "open")
    assert "DEBUG is on" in bot.last_error
    (event,) = Event.objects.filter(kind=EventKind.HEALTH_CRITICAL)
    assert event.message.startswith("Not ticking, its orders stand as they are: mode live is refused here: DEBUG is on")
