"""What came of a portfolio: each bot's own outcome, and the account's as their sum.

A bot's equity is what the account would be had the other bots done nothing: the balance and what this bot made. So the
bots' profits add up to the account's.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from backtests.metrics.inputs import EquityCurve, Fills, Trades
from backtests.metrics.sampling import DAY_MS
from backtests.metrics.summary import Summary, summarise
from backtests.outcome import Outcome
from backtests.portfolio.preset import PortfolioPreset
from strategies.contract import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from backtests.metrics.inputs import Floats, Times

_FOLDER: Final = Path(__file__).resolve().parent
# What the figures of a portfolio come from, beside what those of its bots do.
_SOURCES: Final = ("account.py", "outcome.py", "preset.py", "running.py", "simulation.py", "start.py")


@dataclass(frozen=True, slots=True)
class BotOutcome:
    """``problems`` are why the bot did not start; where there are none, it did."""

    name: str
    outcome: Outcome
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class PortfolioOutcome:
    """Columns stand at the end of each candle of any bot. Between the candles of a longer timeframe its bot's value is
    that of the last one. ``liquidated_at`` is when the account was, ms UTC."""

    preset: PortfolioPreset
    bots: tuple[BotOutcome, ...]
    liquidated_at: int | None = None

    @property
    def balance(self) -> float:
        return float(self.preset.initial_balance)

    @property
    def period(self) -> tuple[int, int]:
        """The open time of the first candle of any bot and the end of the last one, ms UTC."""
        periods = [bot.outcome.period for bot in self.bots]
        return min(first for first, _ in periods), max(last for _, last in periods)

    @cached_property
    def timestamps(self) -> Times:
        times: Times = np.unique(np.concatenate([bot.outcome.timestamps for bot in self.bots]))
        return times

    @cached_property
    def equity(self) -> Floats:
        total = np.full(len(self.timestamps), self.balance)
        for bot in self.bots:
            total += self.profit_of(bot)
        return total

    def profit_of(self, bot: BotOutcome) -> Floats:
        """What a bot has added to the balance."""
        return self._spread(bot, bot.outcome.equity - self.balance, 0.0)

    @cached_property
    def exposure(self) -> Floats:
        """The worth of all bots' positions without their signs, as a share of equity; 0 where nothing is left."""
        worth = np.zeros(len(self.timestamps))
        for bot in self.bots:
            worth += self._spread(bot, np.abs(bot.outcome.position) * bot.outcome.price, 0.0)
        return np.divide(worth, self.equity, out=np.zeros(len(worth)), where=self.equity > 0.0)

    def _spread(self, bot: BotOutcome, values: Floats, before: float) -> Floats:
        rows = np.searchsorted(bot.outcome.timestamps, self.timestamps, side="right") - 1
        spread: Floats = np.where(rows >= 0, values[np.maximum(rows, 0)], before)
        return spread

    @cached_property
    def held(self) -> Floats:
        """The price of a basket that holds each symbol for an equal part of the money, 1 at the first opens."""
        of_symbol = {bot.outcome.preset.symbol: bot for bot in reversed(self.bots)}
        parts = [
            self._spread(bot, bot.outcome.price / float(bot.outcome.candles.open[0]), 1.0) for bot in of_symbol.values()
        ]
        basket: Floats = np.mean(parts, axis=0)
        return basket

    @cached_property
    def curve(self) -> EquityCurve:
        return EquityCurve(self.timestamps, self.equity, self.period[0], self.balance, self.exposure)

    @cached_property
    def fills(self) -> Fills:
        """Of all bots, by time; at one instant in the order of the bots."""
        merged: Fills = _merged(Fills, [bot.outcome.fills for bot in self.bots], lambda fills: fills.timestamp)
        return merged

    @cached_property
    def trades(self) -> Trades:
        """Closed round trips of all bots, by the time at which they closed."""
        merged: Trades = _merged(Trades, [bot.outcome.trades for bot in self.bots], lambda trades: trades.closed_at)
        return merged

    @cached_property
    def summary(self) -> Summary:
        return summarise(
            self.curve,
            trades=self.trades,
            fills=self.fills,
            price=self.held,
            first_price=1.0,
            hold_fee=float(max(bot.outcome.market.taker_fee for bot in self.bots)),
        )

    @cached_property
    def correlation(self) -> list[list[float]]:
        """Between the days' profits of the bots, in their order; NaN with a bot that never made or lost anything."""
        first, last = self.period[0] // DAY_MS, (self.period[1] - 1) // DAY_MS
        ends = (np.arange(first, last + 1, dtype=np.int64) + 1) * DAY_MS
        rows = np.searchsorted(self.timestamps, ends, side="right") - 1
        daily = [
            np.diff(np.where(rows >= 0, self.profit_of(bot)[np.maximum(rows, 0)], 0.0), prepend=0.0)
            for bot in self.bots
        ]
        return correlations(daily)

    @cached_property
    def assumptions(self) -> list[str]:
        """What the result rests on, in plain words."""
        from backtests.portfolio.assumptions import assumptions_of

        return list(assumptions_of(self))

    @cached_property
    def hash(self) -> str:
        """SHA-256 in hex: equal for equal code, candles, begins and parameters of all bots, in their order."""
        digest = hashlib.sha256(f"{self.preset.initial_balance.normalize():f}\n{sources_hash()}\n".encode())
        for bot in self.bots:
            digest.update(f"{bot.name} {bot.outcome.hash}\n".encode())
        return digest.hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, as docs/backtesting/portfolio.md documents it."""
        from backtests.portfolio.outcome_json import as_json

        return as_json(self)


def correlations(series: Sequence[Floats]) -> list[list[float]]:
    """Pearson's, of equally long series; NaN where one of the two never changes."""
    centred = [each - each.mean() for each in series]
    sizes = [float(np.sqrt(each @ each)) for each in centred]
    return [
        [
            float(one @ two) / (size * other) if size * other > 0.0 else float("nan")
            for two, other in zip(centred, sizes, strict=True)
        ]
        for one, size in zip(centred, sizes, strict=True)
    ]


def _merged(kind: Any, parts: Sequence[Any], time_of: Callable[[Any], Times]) -> Any:
    """Columns of the same kind as one, sorted by time."""
    order = np.argsort(np.concatenate([time_of(part) for part in parts]), kind="stable")
    return kind(*(np.concatenate([getattr(part, each.name) for part in parts])[order] for each in fields(kind)))


@cache
def sources_hash() -> str:
    """Of the code that the account's figures come from."""
    digest = hashlib.sha256()
    for name in _SOURCES:
        digest.update((_FOLDER / name).read_bytes())
    return digest.hexdigest()
