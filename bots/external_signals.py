"""Signals from outside: taken in once, told, and shown to the bots whose configuration listens for them.

A strategy sees the newest one as two more features, ``signal`` (+1 to go long, -1 to go short) and ``signal_at`` (when it
came in, milliseconds UTC). It is shown for a minute: what could not be acted on by then was meant for another market.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from bots.errors import SignalRefused
from bots.events import record
from bots.journal import entry
from bots.lifecycle import BotStatus
from bots.models import Bot, EventKind, ExternalSignal
from strategies.contract import Direction, Reason

SIGNAL, SIGNAL_AT = "signal", "signal_at"
VALID_FOR = timedelta(minutes=1)
_SIGNS = {Direction.LONG: 1.0, Direction.SHORT: -1.0}
_HEARING = (BotStatus.STARTING, BotStatus.RUNNING)


def receive_signal(
    *, bot: Bot, direction: Direction, source: str, delivery_id: str, requested_by: str
) -> tuple[ExternalSignal, bool]:
    """The stored signal, and whether it is new: the same ``delivery_id`` counts once. Raises ``SignalRefused``."""
    known = ExternalSignal.objects.filter(bot=bot, delivery_id=delivery_id).first()
    if known is not None:
        return known, False
    if not listens(bot):
        raise SignalRefused(
            f"Bot {bot.name} does not listen for signals: switch on start_on_signal in its configuration."
        )
    if bot.status not in _HEARING:
        raise SignalRefused(f"Bot {bot.name} is {bot.get_status_display().lower()}: only a running bot takes signals.")
    now = timezone.now()
    with transaction.atomic():
        signal, is_new = ExternalSignal.objects.get_or_create(
            bot=bot,
            delivery_id=delivery_id,
            defaults={
                "direction": direction.value,
                "source": source,
                "requested_by": requested_by,
                "received_at": now,
            },
        )
        if is_new:
            numbers = {"direction": direction.value, "source": source, "delivery": delivery_id}
            told = entry(
                bot, "note", Reason("signal.received", numbers), now=now, price=None, requested_by=requested_by
            )
            told.save()
            record(EventKind.SIGNAL_RECEIVED, told.sentence, now=now, bot=bot, data=dict(numbers))
    return signal, is_new


def listens(bot: Bot) -> bool:
    """Whether the bot's configuration makes anything of a signal from outside."""
    return bool(bot.config.get("start_on_signal"))


def newest_signal(bot: Bot, *, now: datetime) -> ExternalSignal | None:
    """The last one of this run that still counts. No query for a bot that does not listen."""
    if not listens(bot):
        return None
    since = now - VALID_FOR
    if bot.started_at is not None:
        since = max(since, bot.started_at)
    return ExternalSignal.objects.filter(bot=bot, received_at__gte=since).order_by("-received_at", "-id").first()


def as_features(signal: ExternalSignal | None) -> dict[str, float]:
    if signal is None:
        return {}
    return {SIGNAL: _SIGNS[Direction(signal.direction)], SIGNAL_AT: signal.received_at.timestamp() * 1000}
