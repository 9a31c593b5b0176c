"""Whether a deal may start now, and why not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from strategies.contract import Direction, MarketSpec, Point, Reason
from strategies.dca.config import Beyond, Combine, DcaConfig
from strategies.dca.deal import exact, tradable
from strategies.dca.ladder import base_entry
from strategies.dca.state import STARTING, DcaState

# The columns of a step's features.
RSI: Final = "rsi"
EMA_FAST: Final = "ema_fast"
EMA_SLOW: Final = "ema_slow"
EMA_CROSS: Final = "ema_cross"
BOLLINGER: Final = "bollinger_percent"
# A signal from outside: +1 to buy, -1 to sell, and when it was given (milliseconds UTC).
SIGNAL: Final = "signal"
SIGNAL_AT: Final = "signal_at"

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Condition:
    """One start condition at one point; ``reason`` is told when it is met and a deal starts."""

    met: bool
    reason: Reason


def start(state: DcaState, config: DcaConfig, market: MarketSpec, point: Point, notes: list[Reason]) -> None:
    """Starts the next deal unless something hinders it. What hinders it is told when it is something else than before."""
    conditions = start_conditions(state, config, point)
    hindrance = _hindrance(state, config, market, point, conditions)
    if hindrance is not None:
        if hindrance.code != state.hindrance:
            notes.append(hindrance)
            state.hindrance = hindrance.code
        return
    state.phase, state.hindrance = STARTING, ""
    state.deal += 1
    state.started_at = point.timestamp
    state.base_amount = float(base_entry(config, market, exact(point.price)).amount)
    met = [condition.reason for condition in conditions if condition.met]
    for reason in met:
        notes.append(reason)
        if reason.code == "dca.met_ema_cross":
            state.used_row = point.candle_close if point.candle_close is not None else -1
        elif reason.code == "dca.met_signal":
            state.used_signal = point.features[SIGNAL_AT]
    notes.append(Reason("dca.started", {"deal": state.deal, "price": point.price, "conditions": len(met)}))


def start_conditions(state: DcaState, config: DcaConfig, point: Point) -> list[Condition]:
    """Those that are switched on. What is not known yet is not met."""
    found: list[Condition] = []
    long = config.direction is not Direction.SHORT
    if config.start_on_rsi:
        value, limit = _feature(point, RSI), float(config.rsi_limit)
        met = value < limit if config.rsi_is is Beyond.BELOW else value > limit
        numbers = {"rsi": value, "side": config.rsi_is.value, "limit": limit}
        found.append(Condition(met, Reason("dca.met_rsi", numbers)))
    if config.start_on_ema_cross:
        met = _feature(point, EMA_CROSS) == (1.0 if long else -1.0) and point.candle_close != state.used_row
        averages = {"fast": _feature(point, EMA_FAST), "slow": _feature(point, EMA_SLOW)}
        found.append(Condition(met, Reason("dca.met_ema_cross", averages)))
    if config.start_on_bollinger:
        percent = _feature(point, BOLLINGER)
        met = percent < 0.0 if long else percent > 100.0
        found.append(Condition(met, Reason("dca.met_bollinger", {"percent": percent})))
    if config.start_price is not None:
        limit = float(config.start_price)
        met = point.price <= limit if config.start_price_is is Beyond.BELOW else point.price >= limit
        reason = Reason("dca.met_price", {"price": point.price, "side": config.start_price_is.value, "limit": limit})
        found.append(Condition(met, reason))
    if config.start_on_signal:
        given = _feature(point, SIGNAL_AT)
        met = _feature(point, SIGNAL) == (1.0 if long else -1.0) and given > state.used_signal
        found.append(Condition(met, Reason("dca.met_signal", {"direction": config.direction.value})))
    return found


def note_day(state: DcaState, config: DcaConfig, timestamp: int, realised: float) -> None:
    """Remembers what had been earned when the UTC day began. ``realised`` is the bot's profit and loss so far, in quote."""
    if config.daily_loss_limit is None:
        return
    if state.day != timestamp // DAY_MS:
        state.day_realised = state.realised if state.day >= 0 else realised
        state.day = timestamp // DAY_MS
    state.realised = realised


def _hindrance(
    state: DcaState, config: DcaConfig, market: MarketSpec, point: Point, conditions: list[Condition]
) -> Reason | None:
    if state.ended_at and point.timestamp < state.ended_at + config.cool_down * 1000:
        return Reason("dca.waits_cool_down", {"seconds": config.cool_down})
    lost = state.day_realised - state.realised
    if config.daily_loss_limit is not None and lost >= float(config.daily_loss_limit):
        return Reason("dca.waits_daily_loss", {"loss": lost, "limit": float(config.daily_loss_limit)})
    if config.min_price is not None and point.price < float(config.min_price):
        return Reason("dca.waits_min_price", {"price": point.price, "limit": float(config.min_price)})
    if config.max_price is not None and point.price > float(config.max_price):
        return Reason("dca.waits_max_price", {"price": point.price, "limit": float(config.max_price)})
    met = sum(condition.met for condition in conditions)
    needed = len(conditions) if config.start_combine is Combine.ALL else min(1, len(conditions))
    if met < needed:
        return Reason("dca.waits_condition", {"met": met, "needed": needed})
    amount = base_entry(config, market, exact(point.price)).amount
    if not tradable(market, amount, exact(point.price)):
        return Reason("dca.waits_size", {"amount": float(amount), "limit": float(market.min_amount)})
    return None


def _feature(point: Point, name: str) -> float:
    return point.features.get(name, math.nan)
