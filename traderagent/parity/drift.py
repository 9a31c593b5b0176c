"""What a bot's live run did otherwise than the back-test of the same time, and what each difference comes from.

A live bot ticks at its own seconds and not at four points of a candle, and it is another bot after the first fill that
it missed. So fills are paired by slot, side and time, not by their place in a sequence; what finds no partner within
:data:`NEAR` candles is asked why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db.models import QuerySet

from backtests.running import back_test
from bots.models import Bot, EquityPoint
from exchange.candles.files import Candles
from strategies.candles import timeframe_ms
from strategies.contract import Side
from traderagent.parity.errors import ParityError
from traderagent.parity.live import ms_of, run_of
from traderagent.parity.own_preset import preset_of_bot
from traderagent.parity.reasons import Asked, Deviation, Why
from traderagent.parity.records import Traded, plain
from traderagent.parity.tested import fills_of

# Candles within which two fills of one slot are the same one.
NEAR = 2
# A curve that has no point for so many of a bot's intervals, or so many seconds, says that it did not tick.
SILENT_INTERVALS, SILENT_S = 3, 45


@dataclass(frozen=True, slots=True)
class Drift:
    """Profits are in quote, after fees, with what is held at the price of the bot's last tick; ``silences`` are times
    without a tick."""

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
            "profit": {"live": _money(self.live_profit), "tested": _money(self.tested_profit)},
            "cost": {why.value: _money(self.cost_of(why)) for why in (Why.PRICE, Why.TIMING, Why.FEE)},
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
    asked = Asked(bot, silences, NEAR * step)
    partners, ours, theirs = paired(live, tested, NEAR * step)
    # The last candle goes on beyond the bot's last tick.
    beyond = [fill for fill in theirs if fill.timestamp > until]
    theirs, tested = ([fill for fill in fills if fill not in beyond] for fills in (theirs, tested))
    found = [each for one, two in partners for each in asked.of_pair(one, two, step)]
    found += [asked.why_not(fill) for fill in theirs]
    found += [asked.why(fill) for fill in ours]
    last = _points(bot).values_list("price", flat=True).reverse()[0]
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


def _money(value: Decimal) -> str:
    """Without what floats leave over."""
    return plain(round(value, 8))


def profit_of(fills: Sequence[Traded], last: Decimal) -> Decimal:
    """What the fills made with what is held valued at ``last``, in quote."""
    money = amount = Decimal(0)
    for fill in fills:
        sign = 1 if fill.side is Side.BUY else -1
        amount += sign * fill.amount
        money -= sign * fill.amount * fill.price + fill.fee_quote
    return money + amount * last


def _curve(bot: Bot) -> list[tuple[int, int]]:
    """(our time, the market's), ms UTC, of the points of the curve in this run: one at least every ten seconds."""
    return [(ms_of(at), ms_of(market)) for at, market in _points(bot).values_list("at", "exchange_time")]


def _points(bot: Bot) -> QuerySet[EquityPoint]:
    """Of the curve in this run, the oldest first."""
    since = bot.started_at or bot.created_at
    return EquityPoint.objects.filter(bot=bot, account=bot.account, at__gte=since).order_by("id")


def _silences(bot: Bot) -> list[tuple[int, int]]:
    """The market's times between which the bot did not tick."""
    longest = 1000 * max(SILENT_S, SILENT_INTERVALS * bot.tick_interval)
    curve = _curve(bot)
    return [(before[1], after[1]) for before, after in pairwise(curve) if after[0] - before[0] > longest]
