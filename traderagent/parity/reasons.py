"""What a fill that live trading and the back-test do not share comes from, asked of the bot's own records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from bots.models import Bot, JournalEntry, Order
from strategies.contract import Side
from traderagent.parity.live import ms_of
from traderagent.parity.records import Traded, plain

# A fee that differs by less is the same: an exchange may round it.
SAME_FEE = Decimal("0.001")


class Why(StrEnum):
    MISSED_TICK = "missed tick"  # the bot did not tick when it would have been decided
    REFUSED = "refused"  # the exchange or the gate did not take the order
    NOT_TRADED = "not traded"  # the order stood, and nobody traded with it
    SIGNAL = "signal"  # the strategy saw or held something else by then
    TIMING = "timing"
    PRICE = "price"
    SIZE = "size"
    FEE = "fee"


@dataclass(frozen=True, slots=True)
class Deviation:
    """``cost`` is what it took of the profit, in quote: negative where live was better; ``None`` where it has no price of
    its own."""

    why: Why
    timestamp: int
    slot: str
    what: str
    live: str
    tested: str
    cost: Decimal | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "why": self.why.value,
            "timestamp": self.timestamp,
            "slot": self.slot,
            "what": self.what,
            "live": self.live,
            "tested": self.tested,
            "cost": None if self.cost is None else plain(self.cost),
        }


class Asked:
    """The bot's own records, asked about a fill that one side alone has."""

    def __init__(self, bot: Bot, silences: Sequence[tuple[int, int]], near: int) -> None:
        self._silences, self._near = silences, near
        self._orders: dict[str, list[Order]] = {}
        for order in Order.objects.filter(bot=bot, run=bot.run).order_by("id"):
            self._orders.setdefault(order.slot, []).append(order)
        self._refused: dict[str, str] = {}
        told = JournalEntry.objects.filter(bot=bot, action="refuse", created_at__gte=bot.started_at or bot.created_at)
        for entry in told:
            self._refused.setdefault(str(entry.numbers.get("slot", "")), entry.sentence)

    def of_pair(self, live: Traded, tested: Traded, step: int) -> Iterator[Deviation]:
        """What two fills of one slot do not have in common."""
        sign = 1 if live.side is Side.BUY else -1
        at = min(live.timestamp, tested.timestamp)
        if abs(live.timestamp - tested.timestamp) > step:
            silent = is_silent(self._silences, at, max(live.timestamp, tested.timestamp))
            after = f"{live}, {(live.timestamp - tested.timestamp) / 1000:+.0f} s"
            why = Why.MISSED_TICK if silent else Why.TIMING
            yield Deviation(why, at, live.slot, "traded at another time", after, str(tested))
        if live.price != tested.price:
            cost = sign * (live.price - tested.price) * live.amount
            why, told = Why.PRICE, str(live)
            if tested.is_maker and not live.is_maker:
                why, told = Why.TIMING, f"{live}, as its order came when the price was there already"
            yield Deviation(why, at, live.slot, "traded at another price", told, str(tested), cost)
        if live.amount != tested.amount:
            yield Deviation(Why.SIZE, at, live.slot, "traded another amount", str(live), str(tested))
        ours, theirs = live.fee_quote, tested.fee_quote
        expected = theirs * live.amount * live.price / (tested.amount * tested.price)
        if abs(ours - expected) > SAME_FEE * max(abs(ours), abs(expected)):
            yield Deviation(Why.FEE, at, live.slot, "paid another fee", _fee(live), _fee(tested), ours - expected)

    def why_not(self, fill: Traded) -> Deviation:
        """Why the bot did not trade what the back-test did."""
        orders = [order for order in self._orders.get(fill.slot, ()) if order.side == fill.side]
        known = [order for order in orders if self._may_stand(order, fill.timestamp)]
        newest = known[-1] if known else None
        if newest is not None and newest.reject_reason:
            return self._told(Why.REFUSED, fill, f"refused: {newest.reject_reason}")
        if is_silent(self._silences, fill.timestamp - self._near, fill.timestamp):
            return self._told(Why.MISSED_TICK, fill, "no tick")
        if newest is not None and fill.price in (newest.price, newest.trigger_price):
            return self._told(Why.NOT_TRADED, fill, f"its order stood, {plain(newest.filled)} of it traded")
        late = next((made for made in map(_made, orders) if 0 < made - fill.timestamp <= self._near), None)
        if late is not None:
            seconds = (late - fill.timestamp) / 1000
            return self._told(Why.TIMING, fill, f"its order came to the exchange {seconds:.0f} s later")
        if newest is None and fill.slot in self._refused:
            return self._told(Why.REFUSED, fill, self._refused[fill.slot])
        return self._told(Why.SIGNAL, fill, "wanted another order" if newest is not None else "wanted no such order")

    def why(self, fill: Traded) -> Deviation:
        """Why the bot traded what the back-test did not."""
        is_late = is_silent(self._silences, fill.timestamp - self._near, fill.timestamp)
        why = Why.MISSED_TICK if is_late else Why.SIGNAL
        return Deviation(why, fill.timestamp, fill.slot, "traded live only", str(fill), "–")

    def _may_stand(self, order: Order, at: int) -> bool:
        """Whether it had been made by then, and had not been filled long before."""
        return _made(order) <= at and (not order.filled or _made(order) + self._near >= at)

    def _told(self, why: Why, fill: Traded, live: str) -> Deviation:
        return Deviation(why, fill.timestamp, fill.slot, "traded in the back-test only", live, str(fill))


def _made(order: Order) -> int:
    """The market's time, ms UTC."""
    return ms_of(order.exchange_time or order.created_at)


def _fee(fill: Traded) -> str:
    return f"{plain(fill.fee)} {fill.fee_coin} as {'maker' if fill.is_maker else 'taker'}"


def is_silent(silences: Sequence[tuple[int, int]], since: int, until: int) -> bool:
    return any(first < until and last > since for first, last in silences)
