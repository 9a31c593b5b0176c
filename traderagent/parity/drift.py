"""What a bot's live run did otherwise than the back-test of the same time, and what each difference comes from.

A live bot ticks at its own seconds and not at four points of a candle, and it is another bot after the first fill that
it missed. So fills are paired by slot, side and time, not by their place in a sequence; what finds no partner within
:data:`NEAR` candles is asked why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Any

from backtests.running import back_test
from bots.models import Bot, EquityPoint, JournalEntry, Order
from exchange.candles.files import Candles
from strategies.candles import timeframe_ms
from strategies.contract import Side
from traderagent.parity.errors import ParityError
from traderagent.parity.live import ms_of, run_of
from traderagent.parity.own_preset import preset_of_bot
from traderagent.parity.records import Traded, plain
from traderagent.parity.tested import fills_of

# Candles within which two fills of one slot are the same one.
NEAR = 2
# A curve that has no point for so many of a bot's intervals, or so many seconds, says that it did not tick.
SILENT_INTERVALS, SILENT_S = 3, 45
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
    FEE = "fee"  # of an order that traded as maker, or as taker, on both sides


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


@dataclass(frozen=True, slots=True)
class Drift:
    """Profits are in quote, after fees, with what is held at the last price; ``silences`` are times without a tick."""

    bot: str
    since: int
    until: int
    live_fills: int
    tested_fills: int
    paired: int
    live_profit: Decimal
    tested_profit: Decimal
    silences: list[tuple[int, int]]
    deviations: list[Deviation]

    def as_json(self) -> dict[str, Any]:
        return {
            "bot": self.bot,
            "since": self.since,
            "until": self.until,
            "fills": {"live": self.live_fills, "tested": self.tested_fills, "paired": self.paired},
            "profit": {"live": plain(self.live_profit), "tested": plain(self.tested_profit)},
            "silences": [list(each) for each in self.silences],
            "reasons": self.reasons(),
            "deviations": [each.as_json() for each in self.deviations],
        }

    def reasons(self) -> dict[str, int]:
        counted = Counter(each.why for each in self.deviations)
        return {why.value: counted[why] for why in Why if counted[why]}

    def cost_of(self, why: Why) -> Decimal:
        return sum((each.cost or Decimal(0) for each in self.deviations if each.why is why), Decimal(0))


def period_of(bot: Bot) -> tuple[int, int]:
    """The market's time of the first and the last tick of the bot's present run that are known, ms UTC.

    Raises :class:`ParityError` for a bot that never traded in it.
    """
    curve = _curve(bot)
    if not curve or not bot.fills.filter(order__run=bot.run).exists():
        raise ParityError(f"Bot {bot.name} has not traded in its present run: there is nothing to compare.")
    return curve[0][1], curve[-1][1]


def drift_of(bot: Bot, candles: Candles, timeframe: str) -> Drift:
    """``candles`` of ``timeframe`` cover the bot's run and what its strategy looks back at.

    Raises :class:`ParityError` when they do not, or the bot has not traded.
    """
    since, until = period_of(bot)
    step = timeframe_ms(timeframe)
    # The open nearest to the first tick.
    begin = (since + step // 2) // step * step
    end = -(-(until + 1) // step) * step
    known = candles.between(int(candles.timestamp[0]), end)
    if not len(known) or int(known.timestamp[-1]) + step < end - step:
        raise ParityError("The candles do not reach to the bot's last tick: give newer ones.")
    try:
        outcome = back_test(preset_of_bot(bot, timeframe), known, begin=begin)
    except ValueError as error:
        raise ParityError(f"The back-test cannot run: {error}") from error
    live, tested = run_of(bot).fills, fills_of(outcome.simulation, outcome.market)
    silences = _silences(bot)
    asked = _Asked(bot, silences, NEAR * step)
    partners, ours, theirs = paired(live, tested, NEAR * step)
    found = [each for one, two in partners for each in asked.of_pair(one, two, step)]
    found += [asked.why_not(fill) for fill in theirs]
    found += [asked.why(fill) for fill in ours]
    last = Decimal(repr(float(known.close[-1])))
    return Drift(
        bot=bot.name,
        since=since,
        until=until,
        live_fills=len(live),
        tested_fills=len(tested),
        paired=len(partners),
        live_profit=profit_of(live, last),
        tested_profit=profit_of(tested, last),
        silences=silences,
        deviations=sorted(found, key=lambda each: each.timestamp),
    )


def paired(
    live: Sequence[Traded], tested: Sequence[Traded], near: int
) -> tuple[list[tuple[Traded, Traded]], list[Traded], list[Traded]]:
    """(pairs, live ones without a partner, tested ones without one). In each slot and side the nearest in time, each once."""
    waiting: dict[tuple[str, Side], list[Traded]] = {}
    for fill in tested:
        waiting.setdefault((fill.slot, fill.side), []).append(fill)
    pairs, alone = [], []
    for fill in live:
        choices = waiting.get((fill.slot, fill.side), [])
        nearest = min(choices, key=lambda each: abs(each.timestamp - fill.timestamp), default=None)
        if nearest is None or abs(nearest.timestamp - fill.timestamp) > near:
            alone.append(fill)
            continue
        choices.remove(nearest)
        pairs.append((fill, nearest))
    return pairs, alone, [fill for left in waiting.values() for fill in left]


def profit_of(fills: Sequence[Traded], last: Decimal) -> Decimal:
    """What the fills made with what is held valued at ``last``, in quote."""
    money = amount = Decimal(0)
    for fill in fills:
        sign = 1 if fill.side is Side.BUY else -1
        amount += sign * fill.amount
        money -= sign * fill.amount * fill.price + fill.fee_quote
    return money + amount * last


class _Asked:
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
            silent = _silence_at(self._silences, tested.timestamp, live.timestamp)
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
        if live.is_maker == tested.is_maker and abs(ours - expected) > SAME_FEE * max(abs(ours), abs(expected)):
            fees = (f"{plain(live.fee)} {live.fee_coin}", f"{plain(tested.fee)} {tested.fee_coin}")
            yield Deviation(Why.FEE, at, live.slot, "paid another fee", *fees, ours - expected)

    def why_not(self, fill: Traded) -> Deviation:
        """Why the bot did not trade what the back-test did."""
        orders = [order for order in self._orders.get(fill.slot, ()) if order.side == fill.side]
        near = [order for order in orders if self._stood(order, fill.timestamp)]
        refused = next((order for order in near if order.reject_reason and not order.filled), None)
        standing = next((order for order in near if not order.reject_reason), None)
        if refused is not None:
            return self._told(Why.REFUSED, fill, f"refused: {refused.reject_reason}")
        if _silence_at(self._silences, fill.timestamp - self._near, fill.timestamp):
            return self._told(Why.MISSED_TICK, fill, "no tick")
        if standing is not None and (late := ms_of(standing.exchange_time or standing.created_at) - fill.timestamp) > 0:
            return self._told(Why.TIMING, fill, f"its order came to the exchange {late / 1000:.0f} s later")
        if standing is not None and standing.price == fill.price:
            return self._told(Why.NOT_TRADED, fill, f"its order stood, {plain(standing.filled)} of it traded")
        if fill.slot in self._refused and not orders:
            return self._told(Why.REFUSED, fill, self._refused[fill.slot])
        return self._told(Why.SIGNAL, fill, "wanted no such order by then" if not orders else "wanted another order")

    def why(self, fill: Traded) -> Deviation:
        """Why the bot traded what the back-test did not."""
        is_late = _silence_at(self._silences, fill.timestamp - self._near, fill.timestamp)
        why = Why.MISSED_TICK if is_late else Why.SIGNAL
        return Deviation(why, fill.timestamp, fill.slot, "traded live only", str(fill), "–")

    def _stood(self, order: Order, at: int) -> bool:
        made = ms_of(order.exchange_time or order.created_at)
        return made - self._near <= at and (not order.filled or made + self._near >= at)

    def _told(self, why: Why, fill: Traded, live: str) -> Deviation:
        return Deviation(why, fill.timestamp, fill.slot, "traded in the back-test only", live, str(fill))


def _curve(bot: Bot) -> list[tuple[int, int]]:
    """(our time, the market's), ms UTC, of the points of the curve in this run: one at least every ten seconds."""
    points = EquityPoint.objects.filter(bot=bot, account=bot.account, at__gte=bot.started_at or bot.created_at)
    return [(ms_of(at), ms_of(market)) for at, market in points.order_by("id").values_list("at", "exchange_time")]


def _silences(bot: Bot) -> list[tuple[int, int]]:
    """The market's times between which the bot did not tick."""
    longest = 1000 * max(SILENT_S, SILENT_INTERVALS * bot.tick_interval)
    curve = _curve(bot)
    return [(before[1], after[1]) for before, after in pairwise(curve) if after[0] - before[0] > longest]


def _silence_at(silences: Sequence[tuple[int, int]], since: int, until: int) -> bool:
    return any(first < until and last > since for first, last in silences)
