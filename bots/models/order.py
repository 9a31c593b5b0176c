"""Orders and their executions."""

from __future__ import annotations

import hashlib
from datetime import datetime
from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from bots.lifecycle import LIVE_ORDER_STATUSES, OrderStatus, check_order_transition
from bots.models.bot import Bot, BotMode
from bots.models.columns import quantity
from exchange.models import ExchangeAccount
from strategies.contract import OrderType, Side

SIDES = [(side.value, side.name.capitalize()) for side in Side]
TYPES = [(kind.value, kind.name.capitalize()) for kind in OrderType]


# The slot of an order that was adopted, before a wish claims it.
STRAY_SLOT = "stray:"


def client_order_id(*, tag: str, run: int, slot: str, sequence: int, attempt: int) -> str:
    """The id under which a wish is known to the exchange: 32 characters of ``[a-z0-9]``, taken by every big exchange.

    The same wish has the same id however often it is computed, so a repeated sending is refused by the exchange
    itself. The bot's tag stands in the clear to tell whose a stray order is.
    """
    digest = hashlib.sha256(f"{run}|{slot}|{sequence}|{attempt}".encode()).hexdigest()
    return f"ta{tag}{digest[:24]}"


class OrderQuerySet(models.QuerySet["Order"]):
    def live(self) -> OrderQuerySet:
        """Orders that stand, or may stand, on the exchange."""
        return self.filter(status__in=LIVE_ORDER_STATUSES)

    def standing_of(self, bot: Bot) -> OrderQuerySet:
        """What the bot's wishes are compared with: live orders; of a bot that sends none, what it withheld."""
        orders = self.filter(bot=bot)
        return orders.live() if bot.sends_orders else orders.filter(status=OrderStatus.WITHHELD)

    def on_the_book(self) -> OrderQuerySet:
        return self.filter(status__in=[OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED])

    def unsettled(self) -> OrderQuerySet:
        """Orders of which the exchange reported more filled than has been booked."""
        return self.filter(reported_filled__gt=F("filled"))

    def claim_for_sending(self, order_id: int, *, now: datetime) -> bool:
        """Whether this caller, and nobody else, may send the order now."""
        claimed = self.filter(id=order_id, status=OrderStatus.INTENT).update(status=OrderStatus.SENT, sent_at=now)
        return claimed == 1


class Order(models.Model):
    """One order, in the database before its first byte leaves for the exchange.

    ``(slot, sequence)`` is the strategy's wish; ``attempt`` counts the orders that were needed to get it, because an
    earlier one was refused or cancelled before it filled.
    """

    bot = models.ForeignKey(Bot, on_delete=models.PROTECT, related_name="orders")
    account = models.ForeignKey(ExchangeAccount, on_delete=models.PROTECT, related_name="orders")
    client_order_id = models.CharField(max_length=36)
    exchange_order_id = models.CharField(max_length=64, blank=True)
    symbol = models.CharField(max_length=64)
    run = models.PositiveIntegerField()
    mode = models.CharField(max_length=8, choices=BotMode, default=BotMode.DEMO, help_text="The bot's at that time.")
    slot = models.CharField(max_length=64)
    sequence = models.PositiveIntegerField()
    attempt = models.PositiveIntegerField(default=0)
    trade_key = models.CharField(max_length=64, blank=True)
    side = models.CharField(max_length=4, choices=SIDES)
    type = models.CharField(max_length=8, choices=TYPES)
    amount = quantity()
    price = quantity(null=True, blank=True)
    trigger_price = quantity(null=True, blank=True)
    amount_step = quantity(help_text="The market's amount increment when the order was made.")
    post_only = models.BooleanField(default=False)
    reduce_only = models.BooleanField(default=False)
    protective = models.BooleanField(default=False, help_text="The watchdog proves at every tick that it stands.")
    status = models.CharField(max_length=16, choices=OrderStatus, default=OrderStatus.INTENT)
    # What our own booked fills add up to; what the exchange says it filled may be ahead of it for a moment.
    filled = quantity(default=Decimal(0))
    filled_quote = quantity(default=Decimal(0))
    reported_filled = quantity(default=Decimal(0))
    reject_reason = models.TextField(blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    # What the order is to become. It is asked for while ``amend_requested_at`` is set; ``amend_sent_at`` is the last
    # time that a change went out, and stays.
    amend_amount = quantity(null=True, blank=True)
    amend_price = quantity(null=True, blank=True)
    amend_trigger_price = quantity(null=True, blank=True)
    amend_requested_at = models.DateTimeField(null=True, blank=True)
    amend_sent_at = models.DateTimeField(null=True, blank=True)
    amend_refused = models.BooleanField(default=False, help_text="Changes take a cancel and a new order from here on.")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    # When waiting for the answer was given up, and since when look-ups miss an order that stood.
    lost_at = models.DateTimeField(null=True, blank=True)
    missing_since = models.DateTimeField(null=True, blank=True)
    called_duplicate = models.BooleanField(default=False, help_text="The exchange refused its id as used before.")
    triggered_at = models.DateTimeField(null=True, blank=True, help_text="When a stop was first seen triggered.")
    closed_at = models.DateTimeField(null=True, blank=True)
    # What is left of the wish is too little for the market; the strategy is told once, as a fill of nothing.
    rest_dropped_at = models.DateTimeField(null=True, blank=True)
    rest_seen = models.BooleanField(default=False, editable=False)
    # The exchange's clock, which runs faster than ours in a replay: when the order was made there, and before that is
    # known, when it was decided. No execution of it is older.
    exchange_time = models.DateTimeField(null=True, blank=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["bot", "-id"]),
            models.Index(fields=["bot", "slot", "sequence", "attempt"]),
            models.Index(fields=["bot", "created_at"], name="order_rate"),
            models.Index(fields=["bot"], name="order_live", condition=Q(status__in=sorted(LIVE_ORDER_STATUSES))),
            models.Index(fields=["bot"], name="order_withheld", condition=Q(status=OrderStatus.WITHHELD)),
            models.Index(
                fields=["account"], name="order_live_acct", condition=Q(status__in=sorted(LIVE_ORDER_STATUSES))
            ),
            models.Index(fields=["account"], name="order_unsettled", condition=Q(reported_filled__gt=F("filled"))),
            models.Index(
                fields=["bot"],
                name="order_rest_unseen",
                condition=Q(rest_dropped_at__isnull=False, rest_seen=False),
            ),
        ]
        constraints = [
            models.UniqueConstraint(name="order_client_id_unique", fields=["account", "client_order_id"]),
            models.UniqueConstraint(name="order_wish_unique", fields=["bot", "run", "slot", "sequence", "attempt"]),
            models.UniqueConstraint(
                name="order_one_live_per_wish",
                fields=["bot", "run", "slot", "sequence"],
                condition=Q(status__in=sorted(LIVE_ORDER_STATUSES)),
            ),
            models.UniqueConstraint(
                name="order_exchange_id_unique",
                fields=["account", "symbol", "exchange_order_id"],
                condition=~Q(exchange_order_id=""),
            ),
            models.CheckConstraint(name="order_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="order_price_positive", condition=Q(price__isnull=True) | Q(price__gt=0)),
            models.CheckConstraint(
                name="order_filled_within_amount", condition=Q(filled__gte=0, filled__lte=F("amount"))
            ),
            models.CheckConstraint(
                name="order_amend_has_amount", condition=Q(amend_requested_at__isnull=True) | Q(amend_amount__gt=0)
            ),
            models.CheckConstraint(name="order_limit_has_price", condition=~Q(type="limit") | Q(price__isnull=False)),
            models.CheckConstraint(name="order_status_known", condition=Q(status__in=OrderStatus.values)),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.amount.normalize():f} {self.symbol} ({self.client_order_id})"

    def change_status(self, status: OrderStatus) -> None:
        """Raises ``InvalidTransition``; staying where one is, is no transition. The caller saves."""
        if status != self.status:
            check_order_transition(self.client_order_id, self.status, status)
            self.status = status

    @property
    def is_live(self) -> bool:
        return self.status in LIVE_ORDER_STATUSES

    @property
    def amend_is_out(self) -> bool:
        """Whether the change that is wanted was sent before, and not answered."""
        requested, sent = self.amend_requested_at, self.amend_sent_at
        return requested is not None and sent is not None and sent >= requested

    def carry_out_amend(self) -> None:
        """The exchange has the order as it was to become. The caller saves."""
        assert self.amend_amount is not None
        self.amount, self.price, self.trigger_price = self.amend_amount, self.amend_price, self.amend_trigger_price
        self.drop_amend()

    def drop_amend(self) -> None:
        """Nothing is to be changed any more. The caller saves."""
        self.amend_amount = self.amend_price = self.amend_trigger_price = self.amend_requested_at = None

    @property
    def remaining(self) -> Decimal:
        return Decimal(self.amount - self.filled)

    @property
    def average_price(self) -> Decimal | None:
        return self.filled_quote / self.filled if self.filled else None


class Fill(models.Model):
    """One execution, booked once and never changed. ``applied`` says whether the strategy has seen it."""

    bot = models.ForeignKey(Bot, on_delete=models.PROTECT, related_name="fills")
    account = models.ForeignKey(ExchangeAccount, on_delete=models.PROTECT, related_name="fills")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="fills")
    symbol = models.CharField(max_length=64)
    trade_id = models.CharField(max_length=64)
    side = models.CharField(max_length=4, choices=SIDES)
    price = quantity()
    amount = quantity()
    fee = quantity()
    fee_currency = models.CharField(max_length=16, blank=True)
    # The part of the fee that was taken from the base coin itself, and the whole fee's worth in quote.
    fee_base = quantity(default=Decimal(0))
    fee_quote = quantity(default=Decimal(0))
    is_maker = models.BooleanField()
    executed_at = models.DateTimeField(help_text="The exchange's time.")
    booked_at = models.DateTimeField()
    completes_order = models.BooleanField(default=False)
    # What this fill realised, after fees, by average cost; kept for the P&L curve.
    realised_pnl = quantity(default=Decimal(0))
    applied = models.BooleanField(default=False, editable=False)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["bot", "-id"]),
            models.Index(fields=["order"]),
            models.Index(fields=["bot", "id"], name="fill_not_applied", condition=Q(applied=False)),
        ]
        constraints = [
            models.UniqueConstraint(name="fill_trade_unique", fields=["account", "symbol", "trade_id"]),
            models.CheckConstraint(name="fill_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="fill_price_positive", condition=Q(price__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.amount.normalize():f} {self.symbol} at {self.price.normalize():f}"

    @property
    def quote_value(self) -> Decimal:
        return Decimal(self.price * self.amount)
