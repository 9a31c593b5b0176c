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
from strategies.round_trips import group_of

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
        _apply_to_trades(fill)


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


@dataclass(frozen=True, slots=True)
class _Part:
    """Of a fill: base, quote, and the fees that were taken of it."""

    amount: Decimal
    value: Decimal
    fee_base: Decimal
    fee_quote: Decimal

    def split(self, side: Side, closes: Decimal, step: Decimal) -> tuple[_Part, _Part]:
        """What closes so much of a position, and what is left: nothing where that would be less than a step."""
        change = self.amount - self.fee_base if side is Side.BUY else self.amount + self.fee_base
        if change - closes < step:
            return self, _Part(ZERO, ZERO, ZERO, ZERO)
        with localcontext(PRECISION):
            share = closes / change
            amount = _rounded(self.amount * share) if self.fee_base else closes
            fee_base = amount - closes if side is Side.BUY else closes - amount
            part = _Part(amount, _rounded(self.value * share), fee_base, _rounded(self.fee_quote * share))
            return part, _Part(
                self.amount - part.amount,
                self.value - part.value,
                self.fee_base - part.fee_base,
                self.fee_quote - part.fee_quote,
            )


def _apply_to_trades(fill: Fill) -> None:
    """Closes the fill's own round trip, then those of its group, and opens its own with what is left."""
    order, side = fill.order, Side(fill.side)
    direction, against = ("long", "short") if side is Side.BUY else ("short", "long")
    there = Trade.objects.filter(bot=fill.bot_id, account=fill.account_id, symbol=fill.symbol, run=order.run)
    still_open = there.filter(closed_at__isnull=True)
    rest = _Part(fill.amount, fill.quote_value, fill.fee_base, fill.fee_quote)
    own = still_open.filter(key=order.trade_key).first()
    if own is not None and own.direction == against:
        part, rest = rest.split(side, abs(own.open_amount), order.amount_step)
        _book(own, fill, part)
        own = None
    group = group_of(order.trade_key)
    if group and rest.amount:
        for trade in still_open.filter(key__startswith=f"{group}/", direction=against).order_by("id"):
            if group_of(trade.key) == group and rest.amount:
                part, rest = rest.split(side, abs(trade.open_amount), order.amount_step)
                _book(trade, fill, part)
    if not rest.amount:
        return
    if own is None:
        last = there.filter(key=order.trade_key).aggregate(last=Max("ordinal"))["last"] or 0
        own = Trade(
            bot_id=fill.bot_id,
            account_id=fill.account_id,
            symbol=fill.symbol,
            run=order.run,
            key=order.trade_key,
            ordinal=last + 1,
            direction=direction,
            opened_at=fill.executed_at,
        )
    _book(own, fill, rest)


def _book(trade: Trade, fill: Fill, part: _Part) -> None:
    side = Side(fill.side)
    holding = Holding(trade.open_amount, trade.open_cost, trade.profit)
    holding.apply(side, fill.price, part.amount, part.fee_base, ZERO if fill.fee_base else part.fee_quote)
    entering = (trade.direction == "long") == (side is Side.BUY)
    if entering:
        trade.amount += part.amount
        trade.entry_value += part.value
    else:
        trade.exit_amount += part.amount
        trade.exit_value += part.value
    trade.fees_quote += part.fee_quote
    trade.open_amount, trade.open_cost, trade.profit = holding.amount, holding.cost, holding.realised
    left = trade.open_amount if trade.direction == "long" else -trade.open_amount
    if not entering and left < fill.order.amount_step:
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
