"""Configuration and market as plain numbers, for the compiled steps."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from strategies.contract import MarketSpec
from strategies.lattice import Rules, rules_of
from strategies.sizing import Caps, Limits, caps_of
from strategies.smc.config import SmcConfig


class SmcParameters(NamedTuple):
    """See :class:`~strategies.smc.config.SmcConfig` for the meaning; shares and percentages are as there, 5 for 5 %."""

    rules: Rules
    caps: Caps
    takes_long: bool
    takes_short: bool
    smallest_score: float
    volume_factor: float
    minimum_reward: float
    minimum_confidence: float
    largest_distance: float
    capital: float
    positions: int
    largest_risk: float
    kelly_share: float
    win_rate: float
    stop_buffer: float
    partial_at: float
    partial_share: float
    break_even: bool
    trailing_activation: float
    trailing_distance: float
    trailing_step: float


@lru_cache(maxsize=512)
def parameters_of(config: SmcConfig, market: MarketSpec) -> SmcParameters:
    return SmcParameters(
        rules=rules_of(market),
        caps=caps_of(market, Limits(leverage=float(config.leverage))),
        takes_long=config.takes(1),
        takes_short=config.takes(-1),
        smallest_score=float(config.smallest_score),
        volume_factor=float(config.volume_factor),
        minimum_reward=float(config.minimum_reward),
        minimum_confidence=float(config.minimum_confidence),
        largest_distance=float(config.largest_distance),
        capital=float(config.capital),
        positions=config.positions,
        largest_risk=float(config.largest_risk),
        kelly_share=float(config.kelly_share),
        win_rate=float(config.win_rate),
        stop_buffer=float(config.stop_buffer),
        partial_at=float(config.partial_at),
        partial_share=float(config.partial_share),
        break_even=config.break_even,
        trailing_activation=float(config.trailing_activation),
        trailing_distance=float(config.trailing_distance),
        trailing_step=float(config.trailing_step),
    )
