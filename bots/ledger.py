"""The ledger: what the fills add up to.

Positions and round trips are kept by average cost. Sums are exact; the one division, the cost share of what is
closed, is rounded to 18 places, half to even, so that a rebuild from the same fills gives the same digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext

from django.db import transaction
from django.db.models import Max

from bots.models import Bot, Fill, Position, Trade
from strategies.contract import Side

# The columns hold 38 digits; products of two of them need twice that before they are rounded.
PRECISION = Context(prec=80, rounding=ROUND_HALF_EVEN)
PLACES = Decimal(1).scaleb(-18)
ZERO = Decimal(0)


@dataclass(slots=True)
class Holding:
    """An amount with what it cost. ``amount`` and ``cost`` are negative for a short; ``realised`` is after fees."""

    amount: Decimal = ZERO
    cost: Decimal = ZERO
    realised: Decimal = ZERO

    def apply(self, side: Side, price: Decimal, amount: Decimal, fee_base: Decimal, fee_quote: Decimal) -> Decimal:
        """Books one execution and returns what it realised, after fees.

        A fee in base makes the amount smaller and so the average price higher; it realises nothing by itself.
        ``fee_quote`` is the worth in quote of a fee that was taken in any other coin.
        """
        with localcontext(PRECISION):
            gross = amount if side is Side.BUY else -amount
            change = gross - fee_base
            value = price * gross  # signed: what was paid, negative for what was received
            before = self.realised
            if change == 0:
                self.realised -= value
            elif self.amount == 0 or (self.amount > 0) == (change > 0):
                self.amount += change
                self.cost += value
            else:
                closed = min(abs(change), abs(self.amount))
                cost_share = (
                    self.cost if closed == abs(self.amount) else _rounded(self.cost * closed / abs(self.amount))
                )
                value_share = value if closed == abs(change) else _rounded(value * closed / abs(change))
                self.realised -= cost_share + value_share
                self.cost -= cost_share
                self.amount += closed if change > 0 else -closed
                left = abs(change) - closed
                if left:
                    self.amount = left if change > 0 else -left
                    self.cost = value - value_share
            self.realised -= fee_quote
            return self.realised - before


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(PLACES, context=PRECISION)


def position_of(bot: Bot) -> Position | None:
    """What the bot holds on the account that it is on. A bot that sends no orders holds nothing."""
    if not bot.sends_orders:
        return None
    return Position.objects.filter(bot=bot, account=bot.account_id, symbol=bot.symbol).first()


def apply_fill(fill: Fill, *, now: datetime) -> None:
    """Carries a newly stored fill into its bot's position and round trip, and notes on it what it realised.

    Must run in the transaction that stored the fill, under the account's lock: fills of one bot are booked one after
    the other.
    """
    position, _ = Position.objects.get_or_create(
        bot_id=fill.bot_id, account_id=fill.account_id, symbol=fill.symbol, defaults={"updated_at": now}
    )
    fill.realised_pnl = _apply_to_position(position, fill, now)
    position.save()
    fill.save(update_fields=["realised_pnl"])
    if fill.order.trade_key:
        _apply_to_trade(fill)


def _fee_outside_base(fill: Fill) -> Decimal:
    return ZERO if fill.fee_base else fill.fee_quote


def _apply_to_position(position: Position, fill: Fill, now: datetime) -> Decimal:
    holding = Holding(position.amount, position.cost, position.realised_pnl)
    was_flat = position.amount == 0
    realised = holding.apply(Side(fill.side), fill.price, fill.amount, fill.fee_base, _fee_outside_base(fill))
    position.amount, position.cost, position.realised_pnl = holding.amount, holding.cost, holding.realised
    position.fees_quote += fill.fee_quote
    if fill.side == Side.BUY:
        position.bought += fill.amount
    else:
        position.sold += fill.amount
    position.fills += 1
    position.updated_at = now
    if position.amount == 0:
        position.opened_at = None
    elif was_flat:
        position.opened_at = fill.executed_at
    return realised


def _apply_to_trade(fill: Fill) -> None:
    order = fill.order
    identity = {
        "bot_id": fill.bot_id,
        "account_id": fill.account_id,
        "symbol": fill.symbol,
        "run": order.run,
        "key": order.trade_key,
    }
    trade = Trade.objects.filter(**identity, closed_at__isnull=True).first()
    if trade is None:
        last = Trade.objects.filter(**identity).aggregate(last=Max("ordinal"))["last"] or 0
        direction = "long" if fill.side == Side.BUY else "short"
        trade = Trade(**identity, ordinal=last + 1, direction=direction, opened_at=fill.executed_at)
    holding = Holding(trade.open_amount, trade.open_cost, trade.profit)
    holding.apply(Side(fill.side), fill.price, fill.amount, fill.fee_base, _fee_outside_base(fill))
    entering = (trade.direction == "long") == (fill.side == Side.BUY)
    if entering:
        trade.amount += fill.amount
        trade.entry_value += fill.quote_value
    else:
        trade.exit_amount += fill.amount
        trade.exit_value += fill.quote_value
    trade.fees_quote += fill.fee_quote
    trade.open_amount, trade.open_cost, trade.profit = holding.amount, holding.cost, holding.realised
    left = trade.open_amount if trade.direction == "long" else -trade.open_amount
    if not entering and left < order.amount_step:
        # Less than one step cannot be sold. It is expensed here, and is pure profit to whatever sells it later, so
        # that the profits of all round trips always add up to the cash that moved.
        trade.profit -= trade.open_cost
        trade.open_amount = trade.open_cost = ZERO
        trade.closed_at = fill.executed_at
    trade.save()


@dataclass(frozen=True, slots=True)
class Difference:
    what: str
    kept: str
    rebuilt: str


_POSITION_FACTS = ("amount", "cost", "realised_pnl", "fees_quote", "bought", "sold", "fills", "opened_at")
_TRADE_FACTS = (
    "direction", "amount", "exit_amount", "entry_value", "exit_value", "fees_quote", "open_amount", "open_cost", "profit",
    "opened_at", "closed_at",
)  # fmt: skip


def _ledger_of(bot: Bot) -> dict[str, object]:
    facts: dict[str, object] = {}
    for position in Position.objects.filter(bot=bot).select_related("account"):
        for name in _POSITION_FACTS:
            facts[f"position {position.symbol} on {position.account} {name}"] = getattr(position, name)
    for trade in Trade.objects.filter(bot=bot):
        for name in _TRADE_FACTS:
            facts[f"trade {trade.symbol} run {trade.run} {trade.key}#{trade.ordinal} {name}"] = getattr(trade, name)
    for fill_id, realised in Fill.objects.filter(bot=bot).values_list("id", "realised_pnl"):
        facts[f"fill {fill_id} realised_pnl"] = realised
    return facts


def rebuild(bot: Bot, *, now: datetime) -> list[Difference]:
    """Derives positions and trades anew from the fills and returns where that differs from what was kept."""
    with transaction.atomic():
        Bot.objects.select_for_update(no_key=True).get(pk=bot.pk)
        kept = _ledger_of(bot)
        Trade.objects.filter(bot=bot).delete()
        Position.objects.filter(bot=bot).delete()
        for fill in Fill.objects.filter(bot=bot).select_related("order").order_by("id"):
            apply_fill(fill, now=now)
        rebuilt = _ledger_of(bot)
    return [
        Difference(what, str(kept.get(what, "nothing")), str(rebuilt.get(what, "nothing")))
        for what in sorted(kept.keys() | rebuilt.keys())
        if kept.get(what) != rebuilt.get(what)
    ]
