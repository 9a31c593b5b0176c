"""What was seen and why it was done: signals, events and the decision journal."""

from __future__ import annotations

from typing import Any

from django.db import models

from bots.models.bot import Bot
from bots.models.columns import quantity
from bots.models.order import Order


class Severity(models.TextChoices):
    INFO = "info", "Info"
    WARNING = "warning", "Warning"
    CRITICAL = "critical", "Critical"


class EventKind(models.TextChoices):
    BOT_CREATED = "bot_created", "Bot created"
    BOT_CHANGED = "bot_changed", "Bot changed"
    BOT_STARTED = "bot_started", "Bot started"
    BOT_STOPPED = "bot_stopped", "Bot stopped"
    BOT_PAUSED = "bot_paused", "Bot paused"
    BOT_RESUMED = "bot_resumed", "Bot resumed"
    BOT_EMERGENCY = "bot_emergency", "Emergency"
    ORDER_PLACED = "order_placed", "Order placed"
    ORDER_FILLED = "order_filled", "Order filled"
    ORDER_PARTIALLY_FILLED = "order_partially_filled", "Order partially filled"
    ORDER_CANCELED = "order_canceled", "Order canceled"
    ORDER_AMENDED = "order_amended", "Order amended"
    ORDER_FAILED = "order_failed", "Order failed"
    TAKE_PROFIT_HIT = "take_profit_hit", "Take profit"
    STOP_LOSS_HIT = "stop_loss_hit", "Stop loss"
    PRICE_UPDATED = "price_updated", "Price updated"
    BALANCE_UPDATED = "balance_updated", "Balance updated"
    HEALTH_CRITICAL = "health_critical", "Health critical"
    STRATEGY_ERROR = "strategy_error", "Strategy error"
    REGIME_CHANGED = "regime_changed", "Regime changed"
    SIGNAL_GENERATED = "signal_generated", "Signal"
    SIGNAL_RECEIVED = "signal_received", "Signal from outside"
    RISK_HALTED = "risk_halted", "Risk halt"
    POSITION_UNPROTECTED = "position_unprotected", "Position without a stop"
    POSITION_PROTECTED = "position_protected", "Stop stands again"
    BOOKS_DIFFER = "books_differ", "Books differ from the exchange"


class Event(models.Model):
    """Something that happened, in one sentence. ``data`` holds its numbers."""

    bot = models.ForeignKey(Bot, null=True, blank=True, on_delete=models.CASCADE, related_name="events")
    order = models.ForeignKey(Order, null=True, blank=True, on_delete=models.SET_NULL, related_name="events")
    kind = models.CharField(max_length=32, choices=EventKind)
    severity = models.CharField(max_length=8, choices=Severity, default=Severity.INFO)
    message = models.TextField()
    data: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["bot", "-id"]),
            models.Index(fields=["kind", "-id"]),
            models.Index(fields=["created_at"]),
        ]

    def __str__(self) -> str:
        return self.message


class JournalEntry(models.Model):
    """Why an order was placed or cancelled: the reason, its numbers, the checks it passed, and who asked."""

    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="journal")
    order = models.ForeignKey(Order, null=True, blank=True, on_delete=models.CASCADE, related_name="journal")
    action = models.CharField(
        max_length=16,
        choices=[
            ("place", "Place"),
            ("amend", "Amend"),
            ("cancel", "Cancel"),
            ("refuse", "Refuse"),
            ("note", "Note"),
        ],
    )
    code = models.CharField(max_length=64)
    sentence = models.TextField()
    numbers: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    checks: models.JSONField[Any, Any] = models.JSONField(default=list, blank=True)
    # The row of features that the strategy saw when it wanted an order; empty otherwise.
    features: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    requested_by = models.CharField(max_length=150)
    price = quantity(null=True, help_text="The market's price when it was decided.")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "journal entries"
        indexes = [models.Index(fields=["bot", "-id"])]

    def __str__(self) -> str:
        return self.sentence


class Signal(models.Model):
    """A strategy's opinion, as it was published."""

    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="signals")
    direction = models.CharField(max_length=8, choices=[("long", "Long"), ("short", "Short"), ("neutral", "Neutral")])
    entry = quantity()
    stop_loss = quantity(null=True, blank=True)
    take_profit = quantity(null=True, blank=True)
    confidence = models.FloatField()
    strategy_type = models.CharField(max_length=64)
    metadata: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    timestamp = models.DateTimeField(help_text="The exchange's time.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["bot", "-id"])]
        constraints = [
            models.CheckConstraint(
                name="signal_confidence_is_a_share",
                condition=models.Q(confidence__gte=0, confidence__lte=1),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.direction} {self.bot} at {self.entry.normalize():f}"


class ExternalSignal(models.Model):
    """What somebody outside told a bot: to go long or short. The same delivery counts once, however often it arrives."""

    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="external_signals")
    direction = models.CharField(max_length=8, choices=[("long", "Long"), ("short", "Short")])
    source = models.CharField(max_length=64)
    delivery_id = models.CharField(max_length=128)
    requested_by = models.CharField(max_length=150)
    received_at = models.DateTimeField(help_text="Our clock.")

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["bot", "-received_at"])]
        constraints = [models.UniqueConstraint(name="external_signal_once", fields=["bot", "delivery_id"])]

    def __str__(self) -> str:
        return f"{self.direction} for {self.bot} from {self.source}"
