"""Over a whole history at once: the inputs as columns, and the regime after each candle."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strategies import indicators
from strategies.indicators import Array
from strategies.indicators.arrays import columns
from strategies.regimes import rules
from strategies.regimes.classification import RegimeInputs, RegimeState
from strategies.regimes.config import RegimeConfig
from strategies.regimes.regime import code_of, regime_of


class InputColumns(NamedTuple):
    """``RegimeInputs`` after each candle, NaN where a value is not known."""

    adx: Array
    ema_fast: Array
    ema_slow: Array
    atr_percent: Array
    volume_ratio: Array

    def row(self, place: int) -> RegimeInputs:
        return RegimeInputs(*(float(column[place]) for column in self))


class RegimeSeries(NamedTuple):
    """After each candle the regime's number (its place in ``regime.REGIMES``; −1 where the inputs are not known) and
    its confidence (NaN there); and the state after the last one, from which stepping goes on."""

    regimes: NDArray[np.int8]
    confidence: Array
    state: RegimeState


def input_columns(
    config: RegimeConfig, high: ArrayLike, low: ArrayLike, close: ArrayLike, volume: ArrayLike
) -> InputColumns:
    """Causal, of closed candles, oldest first."""
    return InputColumns(
        indicators.directional_movement(high, low, close, config.adx_period).adx,
        indicators.ema(close, config.ema_fast),
        indicators.ema(close, config.ema_slow),
        indicators.atr_percent(high, low, close, config.atr_period),
        indicators.volume_ratio(volume, config.volume_period),
    )


def input_warmup(config: RegimeConfig) -> int:
    """Candles, the last one included, whose inputs are those of the full history to 1e-9.

    That is said of the inputs. The regime remembers: keep its state, and step it with every new candle.
    """
    return max(
        indicators.directional_warmup(config.adx_period),
        indicators.ema_warmup(config.ema_slow),
        indicators.atr_warmup(config.atr_period),
        indicators.volume_warmup(config.volume_period),
    )


def classify_series(config: RegimeConfig, inputs: InputColumns, state: RegimeState | None = None) -> RegimeSeries:
    """What stepping through the rows one by one gives, beginning from ``state``, compiled."""
    begun = RegimeState() if state is None else state
    adx, ema_fast, ema_slow, atr_percent, volume_ratio = columns(*inputs)
    regimes, confidence, (current, candidate, count) = rules.classified(
        adx,
        ema_fast,
        ema_slow,
        atr_percent,
        volume_ratio,
        rules.bounds_of(config),
        code_of(begun.regime),
        code_of(begun.candidate),
        begun.count,
    )
    return RegimeSeries(regimes, confidence, RegimeState(regime_of(current), regime_of(candidate), count))
