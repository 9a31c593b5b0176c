"""A configuration on a market as plain numbers, for compiled steps."""

from __future__ import annotations

import math
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from strategies.candles import timeframe_ms
from strategies.contract import Direction, MarketSpec
from strategies.lattice import Rules, rules_of
from strategies.sizing import Caps, Limits, caps_of
from strategies.trend.config import MOST_TARGETS, EntryOrder, TrendConfig, targets_of

# In place of a distance or a limit that is not set.
NEVER: Final = math.inf

PerTarget = tuple[float, float, float, float, float]


class Parameters(NamedTuple):
    """See :class:`~strategies.trend.config.TrendConfig` for what each means; percentages stay percentages.

    ``target_multiples`` (of R) and ``target_shares`` (fractions of what is held) are 0 from the ``targets``-th on.
    """

    rules: Rules
    caps: Caps
    takes_long: bool
    takes_short: bool
    adx_min: float
    exhaustion_fall: float
    exhaustion_stretch: float
    pullback_entry: bool
    pullback_volume: float
    breakout_entry: bool
    breakout_volume: float
    min_confidence: float
    limit_entry: bool
    entry_candles: int
    stop_atr: float
    targets: int
    target_multiples: PerTarget
    target_shares: PerTarget
    break_even: float
    trail_from: float
    trail_atr: float
    investment: float
    risk_percent: float
    max_position: float
    max_losses: int
    loss_pause_ms: int
    daily_loss: float


@lru_cache(maxsize=256)
def parameters_of(config: TrendConfig, market: MarketSpec) -> Parameters:
    targets = targets_of(config.targets)
    return Parameters(
        rules=rules_of(market),
        caps=caps_of(market, Limits(leverage=float(config.leverage))),
        takes_long=config.direction is not Direction.SHORT,
        takes_short=config.direction is not Direction.LONG,
        adx_min=float(config.adx_min),
        exhaustion_fall=float(config.exhaustion_fall),
        exhaustion_stretch=float(config.exhaustion_stretch),
        pullback_entry=config.pullback_entry,
        pullback_volume=float(config.pullback_volume),
        breakout_entry=config.breakout_entry,
        breakout_volume=float(config.breakout_volume),
        min_confidence=float(config.min_confidence),
        limit_entry=config.entry_order is EntryOrder.LIMIT,
        entry_candles=config.entry_candles,
        stop_atr=float(config.stop_atr),
        targets=len(targets),
        target_multiples=_filled_up([float(target.multiple) for target in targets]),
        target_shares=_filled_up([float(target.percent) / 100.0 for target in targets]),
        break_even=_or_never(config.break_even),
        trail_from=_or_never(config.trail_from),
        trail_atr=float(config.trail_atr),
        investment=float(config.investment),
        risk_percent=float(config.risk_percent),
        max_position=float(config.max_position),
        max_losses=config.max_losses,
        loss_pause_ms=config.loss_pause * timeframe_ms(config.timeframe),
        daily_loss=_or_never(config.daily_loss),
    )


def _filled_up(values: list[float]) -> PerTarget:
    """Always as many: a tuple of another length would be another type, and compiled on its own."""
    first, second, third, fourth, fifth = values + [0.0] * (MOST_TARGETS - len(values))
    return first, second, third, fourth, fifth


def _or_never(value: Decimal | None) -> float:
    return NEVER if value is None else float(value)
