"""The books of paper accounts, as an exchange would keep them. Times are the market's, in milliseconds UTC."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import F, Q

from strategies.contract import OrderType, Side


class PaperStatus(models.TextChoices):
    WAITING = "waiting", "Waiting for its trigger"
    OPEN = "open", "Open"
    FILLED = "filled", "Filled"
    CANCELED = "canceled", "Canceled"
    REJECTED = "rejected", "Rejected"


OPEN_STATUSES = (PaperStatus.WAITING, PaperStatus.OPEN)


def _quantity(**options: Any) -> models.DecimalField[Any, Any]:
    """20 digits before and 18 after the point, as wide as the bots' own ledger."""
    return models.DecimalField(max_digits=38, decimal_places=18, **options)


class PaperBook(models.Model):
    """One account's book. Its row is locked by whoever changes anything in it; the counters number what happened."""

    account = models.OneToOneField(
        "exchange.ExchangeAccount", on_delete=models.CASCADE, primary_key=True, related_name="paper_book"
    )
    orders = models.PositiveBigIntegerField(default=0)
    executions = models.PositiveBigIntegerField(default=0)
    arrivals = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"paper book of {self.account}"


class PaperBalance(models.Model):
    """Everything of a coin that the account has, what open orders hold of it included."""

    book = models.ForeignKey(PaperBook, on_delete=models.CASCADE, related_name="balances")
    coin = models.CharField(max_length=32)
    total = _quantity(default=Decimal(0))

    class Meta:
        constraints = [models.UniqueConstraint(name="paper_balance_one_per_coin", fields=["book", "coin"])]

    def __str__(self) -> str:
        return f"{self.total.normalize():f} {self.coin}"


class PaperMarket(models.Model):
    """How far the book has followed a market's price, and what it holds there.

    ``size`` is a linear position, negative for a short, and ``entry_value`` the signed sum that was paid for it.
    """

    book = models.ForeignKey(PaperBook, on_delete=models.CASCADE, related_name="markets")
    symbol = models.CharField(max_length=64)
    price = _quantity()
    seen_at = models.BigIntegerField()
    size = _quantity(default=Decimal(0))
    entry_value = _quantity(default=Decimal(0))
    leverage = models.DecimalField(max_digits=8, decimal_places=2, default=Decimal(10))

    class Meta:
        constraints = [
            models.UniqueConstraint(name="paper_market_one_per_symbol", fields=["book", "symbol"]),
            models.CheckConstraint(name="paper_market_price_positive", condition=Q(price__gt=0)),
            models.CheckConstraint(name="paper_market_leverage", condition=Q(leverage__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} at {self.price.normalize():f}"


class PaperOrder(models.Model):
    book = models.ForeignKey(PaperBook, on_delete=models.CASCADE, related_name="paper_orders")
    number = models.PositiveBigIntegerField()
    client_order_id = models.CharField(max_length=36)
    symbol = models.CharField(max_length=64)
    side = models.CharField(max_length=4, choices=[(side.value, side.name.capitalize()) for side in Side])
    type = models.CharField(max_length=8, choices=[(kind.value, kind.name.capitalize()) for kind in OrderType])
    amount = _quantity()
    price = _quantity(null=True)
    trigger_price = _quantity(null=True)
    rising = models.BooleanField(default=False, help_text="Whether the trigger waits for the price to rise to it.")
    post_only = models.BooleanField(default=False)
    reduce_only = models.BooleanField(default=False)
    status = models.CharField(max_length=16, choices=PaperStatus)
    arrival = models.PositiveBigIntegerField(help_text="Its place in the queue; a new price gives the old one up.")
    filled = _quantity(default=Decimal(0))
    filled_value = _quantity(default=Decimal(0))
    triggered = models.BooleanField(default=False)
    reason = models.CharField(max_length=200, blank=True)
    created = models.BigIntegerField()
    updated = models.BigIntegerField()

    class Meta:
        ordering = ["number"]
        indexes = [
            models.Index(
                fields=["book", "symbol"], name="paper_order_open", condition=Q(status__in=["open", "waiting"])
            ),
            models.Index(fields=["book", "symbol", "created"], name="paper_order_by_time"),
        ]
        constraints = [
            models.UniqueConstraint(name="paper_order_number_unique", fields=["book", "number"]),
            models.UniqueConstraint(name="paper_order_client_id_unique", fields=["book", "client_order_id"]),
            models.CheckConstraint(name="paper_order_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="paper_order_filled", condition=Q(filled__gte=0, filled__lte=F("amount"))),
            models.CheckConstraint(name="paper_order_limit_price", condition=~Q(type="limit") | Q(price__gt=0)),
            models.CheckConstraint(name="paper_order_stop_trigger", condition=~Q(type="stop") | Q(trigger_price__gt=0)),
            models.CheckConstraint(name="paper_order_status_known", condition=Q(status__in=PaperStatus.values)),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.amount.normalize():f} {self.symbol} ({self.client_order_id})"


class PaperExecution(models.Model):
    """Written once and never changed. ``number`` rises with every execution of the book."""

    book = models.ForeignKey(PaperBook, on_delete=models.CASCADE, related_name="paper_executions")
    order = models.ForeignKey(PaperOrder, on_delete=models.CASCADE, related_name="executions")
    number = models.PositiveBigIntegerField()
    is_spot = models.BooleanField()
    price = _quantity()
    amount = _quantity()
    fee = _quantity()
    fee_currency = models.CharField(max_length=32)
    is_maker = models.BooleanField()
    timestamp = models.BigIntegerField()

    class Meta:
        ordering = ["number"]
        indexes = [models.Index(fields=["book", "is_spot", "timestamp"], name="paper_execution_by_time")]
        constraints = [
            models.UniqueConstraint(name="paper_execution_number_unique", fields=["book", "number"]),
            models.CheckConstraint(name="paper_execution_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="paper_execution_price_positive", condition=Q(price__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.amount.normalize():f} at {self.price.normalize():f}"
