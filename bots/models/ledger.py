"""What follows from the fills: positions, round trips and the equity curve. All of it can be rebuilt."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import Q

from bots.models.bot import Bot
from bots.models.columns import quantity
from exchange.models import ExchangeAccount


class Position(models.Model):
    """What a bot holds of a symbol, by average cost. ``amount`` is net of fees taken in base; negative is short."""

    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="positions")
    # A bot has a ledger on each account that it traded on: paper's profit is never real money's.
    account = models.ForeignKey(ExchangeAccount, on_delete=models.PROTECT, related_name="positions")
    symbol = models.CharField(max_length=64)
    amount = quantity(default=Decimal(0))
    # Signed cost of ``amount`` in quote, before fees in quote; the average price is their ratio.
    cost = quantity(default=Decimal(0))
    realised_pnl = quantity(default=Decimal(0), help_text="After fees, in quote.")
    fees_quote = quantity(default=Decimal(0), help_text="Fees valued in quote, whatever coin they were taken in.")
    bought = quantity(default=Decimal(0))
    sold = quantity(default=Decimal(0))
    fills = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="position_one_per_ledger", fields=["bot", "account", "symbol"]),
            models.CheckConstraint(name="position_counts_positive", condition=Q(bought__gte=0, sold__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.amount.normalize():f} {self.symbol}"

    @property
    def average_price(self) -> Decimal:
        return self.cost / self.amount if self.amount else Decimal(0)

    def unrealised_pnl(self, price: Decimal) -> Decimal:
        return Decimal(self.amount * price - self.cost)


class Trade(models.Model):
    """A round trip: the fills of one trade key from flat to flat. A grid's cycle is one."""

    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="trades")
    account = models.ForeignKey(ExchangeAccount, on_delete=models.PROTECT, related_name="trades")
    symbol = models.CharField(max_length=64)
    run = models.PositiveIntegerField()
    key = models.CharField(max_length=64)
    ordinal = models.PositiveIntegerField()
    direction = models.CharField(max_length=5, choices=[("long", "Long"), ("short", "Short")])
    amount = quantity(default=Decimal(0), help_text="What was entered, in base, before fees.")
    exit_amount = quantity(default=Decimal(0))
    entry_value = quantity(default=Decimal(0), help_text="In quote.")
    exit_value = quantity(default=Decimal(0), help_text="In quote.")
    fees_quote = quantity(default=Decimal(0))
    open_amount = quantity(default=Decimal(0), help_text="What is left of it, net of fees in base; negative is short.")
    open_cost = quantity(default=Decimal(0))
    profit = quantity(default=Decimal(0), help_text="Of what was closed, after fees, in quote.")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["bot", "-id"]),
            models.Index(fields=["bot", "-closed_at"], name="trade_closed", condition=Q(closed_at__isnull=False)),
        ]
        constraints = [
            models.UniqueConstraint(name="trade_ordinal_unique", fields=["bot", "symbol", "run", "key", "ordinal"]),
            models.UniqueConstraint(
                name="trade_one_open_per_key",
                fields=["bot", "symbol", "run", "key"],
                condition=Q(closed_at__isnull=True),
            ),
            models.CheckConstraint(name="trade_amount_positive", condition=Q(amount__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.key} #{self.ordinal} of {self.bot}"


class EquityPoint(models.Model):
    """One point of a bot's profit curve, in quote: realised (after fees) and unrealised at ``price``."""

    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="equity_points")
    account = models.ForeignKey(ExchangeAccount, on_delete=models.PROTECT, related_name="equity_points")
    at = models.DateTimeField(help_text="Our clock.")
    exchange_time = models.DateTimeField()
    price = quantity()
    realised_pnl = quantity()
    unrealised_pnl = quantity()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["bot", "account", "-at"], name="equity_of_ledger")]

    def __str__(self) -> str:
        return f"{self.bot} at {self.at:%Y-%m-%d %H:%M:%S}"

    @property
    def profit(self) -> Decimal:
        return Decimal(self.realised_pnl + self.unrealised_pnl)
