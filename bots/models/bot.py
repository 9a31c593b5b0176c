"""The bot and the snapshots of its strategy's state."""

from __future__ import annotations

import secrets
import string
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django_celery_beat.models import PeriodicTask

from bots.lifecycle import BOT_TRANSITIONS, BotStatus, InvalidTransition, check_bot_transition
from bots.models.columns import quantity
from exchange.models import Environment, ExchangeAccount

_TAG_ALPHABET = string.ascii_lowercase + string.digits


def new_tag() -> str:
    """Six characters that tell this bot's orders from everybody else's on a shared exchange account."""
    return "".join(secrets.choice(_TAG_ALPHABET) for _ in range(6))


class BotMode(models.TextChoices):
    SIGNALS = "signals", "Signals only"
    PAPER = "paper", "Paper"
    DEMO = "demo", "Demo"
    LIVE = "live", "Live"


# What kind of account each mode trades on. Signals need prices only, and every account has those.
ENVIRONMENTS_OF_MODE = {
    BotMode.SIGNALS: frozenset(Environment),
    BotMode.PAPER: frozenset({Environment.PAPER}),
    BotMode.DEMO: frozenset({Environment.SIMULATOR, Environment.DEMO, Environment.TESTNET}),
    BotMode.LIVE: frozenset({Environment.LIVE}),
}


MODE_EXPLANATIONS = {
    BotMode.SIGNALS: "Decides and writes down what it would do; nothing is sent anywhere. Needs no keys.",
    BotMode.PAPER: "Trades at the market's real prices with play money, kept here; nothing is sent to the exchange.",
    BotMode.DEMO: "Trades play money at the exchange's demo or test net, or on the simulator.",
    BotMode.LIVE: "Trades real money.",
}


def mode_fit_for(environment: str) -> BotMode:
    """The mode that trades on accounts of this environment."""
    trading = (BotMode.PAPER, BotMode.DEMO, BotMode.LIVE)
    return next(mode for mode in trading if environment in ENVIRONMENTS_OF_MODE[mode])


class BotQuerySet(models.QuerySet["Bot"]):
    def active(self) -> BotQuerySet:
        """All but those put away."""
        return self.filter(archived_at__isnull=True)

    def ticking(self) -> BotQuerySet:
        """Bots that have work to do at every interval."""
        return self.exclude(status=BotStatus.STOPPED)


class Bot(models.Model):
    """One strategy on one symbol of one account, with its own virtual ledger."""

    name = models.SlugField(max_length=64, unique=True)
    tag = models.CharField(max_length=6, unique=True, default=new_tag, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="bots")
    account = models.ForeignKey(ExchangeAccount, on_delete=models.PROTECT, related_name="bots")
    symbol = models.CharField(max_length=64, help_text="As ccxt writes it: ETH/USDT (spot), ETH/USDT:USDT (linear).")
    strategy = models.CharField(max_length=64)
    config = models.JSONField(default=dict)
    mode = models.CharField(max_length=8, choices=BotMode, default=BotMode.DEMO)
    tick_interval = models.PositiveIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(3600)],
        help_text="Seconds between ticks.",
    )
    status = models.CharField(max_length=12, choices=BotStatus, default=BotStatus.STOPPED, editable=False)
    status_reason = models.TextField(blank=True, editable=False)
    close_position_on_stop = models.BooleanField(default=False, editable=False)
    # Everything up to here was the last run's: a start opens a new one with a fresh state.
    run = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, editable=False)
    stopped_at = models.DateTimeField(null=True, editable=False)
    # A bot that has traded is never deleted, only put away: its orders and fills stay on record.
    archived_at = models.DateTimeField(null=True, editable=False)
    last_tick_at = models.DateTimeField(null=True, editable=False)
    last_error = models.TextField(blank=True, editable=False)
    equity_noted_at = models.DateTimeField(null=True, editable=False)
    # Post-only orders are accepted first and cancelled by the exchange a moment later: the next tick looks.
    audit_due = models.BooleanField(default=False, editable=False)
    errors_in_a_row = models.PositiveIntegerField(default=0, editable=False)
    # What the stop watchdog has to remember from one tick to the next.
    watchdog: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True, editable=False)
    # What the account pays on this market, as fractions by ``maker`` and ``taker``, as of the start of the run.
    fee_rates: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True, editable=False)
    periodic_task = models.OneToOneField(
        PeriodicTask, null=True, blank=True, on_delete=models.SET_NULL, related_name="bot", editable=False
    )

    objects = BotQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        indexes = [models.Index(fields=["status"]), models.Index(fields=["account", "symbol"])]
        constraints = [
            models.CheckConstraint(name="bot_tick_interval_positive", condition=models.Q(tick_interval__gte=1)),
            models.CheckConstraint(name="bot_status_known", condition=models.Q(status__in=BotStatus.values)),
        ]

    def __str__(self) -> str:
        return self.name

    def change_status(self, status: BotStatus, reason: str) -> None:
        """Raises ``InvalidTransition``. The caller saves."""
        check_bot_transition(self.name, self.status, status)
        self.status = status
        self.status_reason = reason

    def refused(self, status: BotStatus) -> InvalidTransition:
        """For a command that asks for more than the table does."""
        return InvalidTransition(
            f"Bot {self.name}", self.status, status, frozenset(map(str, BOT_TRANSITIONS[BotStatus(self.status)]))
        )

    def may_become(self, status: BotStatus) -> bool:
        return status in BOT_TRANSITIONS[BotStatus(self.status)]

    @property
    def is_ticking(self) -> bool:
        """An emergency ticks too: its orders are cancelled until none is left."""
        return self.status != BotStatus.STOPPED

    @property
    def sends_orders(self) -> bool:
        """A bot that only gives signals decides and records as every other, and nothing leaves this machine."""
        return self.mode != BotMode.SIGNALS

    @property
    def can_start(self) -> bool:
        return self.may_become(BotStatus.STARTING)

    @property
    def can_stop(self) -> bool:
        return self.may_become(BotStatus.STOPPING)

    @property
    def can_pause(self) -> bool:
        return self.may_become(BotStatus.PAUSED)

    @property
    def can_resume(self) -> bool:
        return self.status == BotStatus.PAUSED

    @property
    def can_edit(self) -> bool:
        """Configuration and account are fixed while orders may be standing."""
        return self.status == BotStatus.STOPPED


class Snapshot(models.Model):
    """The strategy's state after a tick that changed it, and what it had seen. The newest one of the present run is the
    truth."""

    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="snapshots")
    run = models.PositiveIntegerField()
    strategy_version = models.CharField(max_length=32)
    state: models.JSONField[Any, Any] = models.JSONField()
    # The row of features that the step was shown, ``null`` where a value was not known; empty without features.
    features: models.JSONField[Any, Any] = models.JSONField(default=dict, blank=True)
    candle_close = models.BigIntegerField(null=True, blank=True, help_text="When that row's candle closed, ms UTC.")
    price = quantity(null=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["bot", "-id"])]

    def __str__(self) -> str:
        return f"{self.bot} at {self.created_at:%Y-%m-%d %H:%M:%S}"
