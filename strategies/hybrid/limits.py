"""What holds for all families together: the stop loss of the whole bot, a day's loss, and the largest exposure."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from typing import Final

from strategies.contract import Point, PositionView, Reason
from strategies.hybrid.config import HybridConfig
from strategies.hybrid.state import CLOSING, Generation, HybridState

DAY_MS: Final = 86_400_000
# The best P&L is noted in thousandths of the investment: not every tick of a good day is worth a snapshot.
_GRAINS: Final = 1000


def watch(
    state: HybridState, config: HybridConfig, point: Point, position: PositionView, notes: list[Reason]
) -> HybridState:
    """Notes day and best P&L, and closes everything when a limit is met. Days are UTC's, by the time of the price."""
    total = position.realised_pnl + position.unrealised_pnl
    if not state.started:
        state = replace(state, started=True, realised_start=position.realised_pnl, pnl_start=total)
    pnl, day = total - state.pnl_start, point.timestamp // DAY_MS
    if day != state.day:
        state = replace(state, day=day, day_pnl=pnl, switches=0)
    grain = float(config.investment) / _GRAINS
    if pnl >= state.peak + grain:
        state = replace(state, peak=math.floor(pnl / grain) * grain)
    if state.finish_code:
        return state
    fallen, limit = state.peak - pnl, _share(config, config.max_drawdown)
    if fallen >= limit:
        state = replace(state, finish_code="hybrid.stop_loss", finish_value=fallen, finish_limit=limit)
        notes.append(finish_reason(state))
        return close_all(state, point)
    lost, limit = state.day_pnl - pnl, _share(config, config.daily_loss)
    if lost >= limit and point.timestamp >= state.rests_until:
        notes.append(Reason("hybrid.daily_loss", {"lost": lost, "limit": limit}))
        return close_all(replace(state, rests_until=(day + 1) * DAY_MS), point)
    return state


def exposure_limit(state: HybridState, config: HybridConfig, position: PositionView) -> float:
    """What all families together may have bought, in quote: a share of the investment with what it has realised."""
    equity = float(config.investment) + position.realised_pnl - state.realised_start
    return max(0.0, equity) * float(config.max_exposure) / 100.0


def exposure(state: HybridState) -> float:
    """What is held, at what it cost, in quote."""
    return state.rest.exposure + sum(each.purse.exposure for each in state.generations)


def finish_reason(state: HybridState) -> Reason:
    return Reason(state.finish_code, {"value": state.finish_value, "limit": state.finish_limit})


def close_all(state: HybridState, point: Point) -> HybridState:
    closing = tuple(closed(each, point) for each in state.generations)
    return replace(state, generations=closing, retired_at=point.timestamp)


def closed(generation: Generation, point: Point) -> Generation:
    """From now on what it holds is closed at market and nothing else of it is wanted."""
    return replace(generation, mode=CLOSING, retired_at=generation.retired_at or point.timestamp)


def _share(config: HybridConfig, percent: Decimal) -> float:
    """Of the investment, in quote; infinite for 0, which is no limit."""
    return float(config.investment * percent / 100) if percent else math.inf
