"""The states of a bot and of an order, each as a table of allowed transitions. Everything else is refused."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models


class BotStatus(models.TextChoices):
    STOPPED = "stopped", "Stopped"
    STARTING = "starting", "Starting"
    RUNNING = "running", "Running"
    PAUSED = "paused", "Paused"
    STOPPING = "stopping", "Stopping"
    EMERGENCY = "emergency", "Emergency"


BOT_TRANSITIONS: Mapping[BotStatus, frozenset[BotStatus]] = {
    BotStatus.STOPPED: frozenset({BotStatus.STARTING}),
    BotStatus.STARTING: frozenset({BotStatus.RUNNING, BotStatus.STOPPING, BotStatus.EMERGENCY}),
    BotStatus.RUNNING: frozenset({BotStatus.PAUSED, BotStatus.STOPPING, BotStatus.EMERGENCY}),
    BotStatus.PAUSED: frozenset({BotStatus.RUNNING, BotStatus.STOPPING, BotStatus.EMERGENCY}),
    BotStatus.STOPPING: frozenset({BotStatus.STOPPED, BotStatus.EMERGENCY}),
    # An operator acknowledges an emergency by stopping the bot.
    BotStatus.EMERGENCY: frozenset({BotStatus.STOPPING}),
}


class OrderStatus(models.TextChoices):
    # What a bot that only gives signals wants: kept as if it stood, never sent and never asked for.
    WITHHELD = "withheld", "Not sent (signals only)"
    INTENT = "intent", "Intent"
    SENT = "sent", "Sent"
    UNKNOWN = "unknown", "Outcome unknown"
    OPEN = "open", "Open"
    PARTIALLY_FILLED = "partially_filled", "Partially filled"
    FILLED = "filled", "Filled"
    CANCELED = "canceled", "Canceled"
    REJECTED = "rejected", "Rejected"
    EXPIRED = "expired", "Expired"


_ON_THE_BOOK = {OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED}
_OVER = {OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.REJECTED, OrderStatus.EXPIRED}

ORDER_TRANSITIONS: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    OrderStatus.WITHHELD: frozenset({OrderStatus.CANCELED}),
    # An intent that was never sent may be dropped; a sent one may turn out to be anything.
    OrderStatus.INTENT: frozenset({OrderStatus.SENT, OrderStatus.CANCELED, OrderStatus.REJECTED}),
    # Back to INTENT: the platform itself held the call back before a byte left.
    OrderStatus.SENT: frozenset({OrderStatus.INTENT, OrderStatus.UNKNOWN, *_ON_THE_BOOK, *_OVER}),
    # Back to SENT: it was proved that the exchange never had it, and it goes out again under the same id.
    OrderStatus.UNKNOWN: frozenset({OrderStatus.SENT, *_ON_THE_BOOK, *_OVER}),
    OrderStatus.OPEN: frozenset({OrderStatus.PARTIALLY_FILLED, *_OVER}),
    OrderStatus.PARTIALLY_FILLED: frozenset(_OVER - {OrderStatus.REJECTED}),
    # Executions arrive after the status on some exchanges: what was cancelled may turn out to have been filled.
    OrderStatus.CANCELED: frozenset({OrderStatus.FILLED}),
    OrderStatus.EXPIRED: frozenset({OrderStatus.FILLED}),
    OrderStatus.FILLED: frozenset(),
    OrderStatus.REJECTED: frozenset(),
}

LIVE_ORDER_STATUSES = frozenset(
    {OrderStatus.INTENT, OrderStatus.SENT, OrderStatus.UNKNOWN, OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED}
)


class InvalidTransition(Exception):
    """Raised with a sentence that names what was asked, the present state and what may be done instead."""

    def __init__(self, subject: str, present: str, wanted: str, allowed: frozenset[str]) -> None:
        self.present, self.wanted = present, wanted
        possible = ", ".join(sorted(allowed)) or "nothing"
        super().__init__(f"{subject} is {present} and cannot become {wanted}; from here: {possible}.")


def check_bot_transition(name: str, present: str, wanted: str) -> None:
    allowed = BOT_TRANSITIONS[BotStatus(present)]
    if wanted not in allowed:
        raise InvalidTransition(f"Bot {name}", present, wanted, frozenset(str(item) for item in allowed))


def check_order_transition(client_order_id: str, present: str, wanted: str) -> None:
    allowed = ORDER_TRANSITIONS[OrderStatus(present)]
    if wanted not in allowed:
        raise InvalidTransition(f"Order {client_order_id}", present, wanted, frozenset(str(item) for item in allowed))
